package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/ostiary/ostiary"
)

// program is one run of the command, with everything that it touches of the
// outside, so that tests run the real one.
type program struct {
	args []string
	in   io.Reader
	out  io.Writer
	err  io.Writer
}

// commands are the words of the command line; each has a file.
type commands struct {
	ShowVersion versionFlag `name:"version" help:"Print the version."`

	Approvals  approvalsCommand  `cmd:"" help:"Show the calls that wait for a person."`
	Approve    approveCommand    `cmd:"" help:"Let one call that waits run once."`
	Audit      auditCommand      `cmd:"" help:"Read the evidence: verify, tail, query, show."`
	Config     configCommand     `cmd:"" help:"Check a policy file; print its grammar for editors."`
	Connect    connectCommand    `cmd:"" help:"Be the stdio end of a door over HTTP or a socket, for clients that only start programs."`
	Demo       demoCommand       `cmd:"" help:"Show what the door does: twenty-one calls, their verdicts, the evidence."`
	DemoServer demoServerCommand `cmd:"" name:"demo-server" hidden:""`
	Deny       denyCommand       `cmd:"" help:"Refuse a call that waits, and tell why."`
	Doctor     doctorCommand     `cmd:"" help:"Check the state, the policy and what is claimed, and say what to do."`
	Except     exceptCommand     `cmd:"" help:"Let one thing pass that a rule takes for a secret; list and take back such exceptions."`
	Explain    explainCommand    `cmd:"" help:"Tell what was found in what came back, why, and what to do if it was wrong."`
	Freeze     freezeCommand     `cmd:"" help:"Stop calls at once, in every process: all, or those of a principal, tool, server or session."`
	Grant      grantCommand      `cmd:"" help:"Give capabilities that expire, and take them back."`
	Help       helpCommand       `cmd:"" help:"Tell about a command, as its --help does."`
	Incident   incidentCommand   `cmd:"" help:"Pack the evidence of an incident, and check such an archive."`
	Key        keyCommand        `cmd:"" help:"Make API keys for the doors over HTTP, and take them back."`
	Pin        pinCommand        `cmd:"" help:"Show what servers are held to, how they changed, and accept that."`
	Policy     policyCommand     `cmd:"" help:"Write, compare, explain and test a policy."`
	Revoke     revokeCommand     `cmd:"" help:"Take back everything that was granted to a principal or approved for it."`
	Run        runCommand        `cmd:"" help:"Put the door in front of one MCP server over stdio."`
	Serve      serveCommand      `cmd:"" help:"Be the door over HTTP for servers that many people share."`
	SQLHelper  sqlHelperCommand  `cmd:"" name:"sql-helper" hidden:""`
	Unfreeze   unfreezeCommand   `cmd:"" help:"Lift a freeze."`
	Version    versionCommand    `cmd:"" help:"Print the version."`
}

// Exit statuses: failed is for work that did not succeed, misused for a command
// line that was not understood.
const (
	failed  = 1
	misused = 2
)

func (p program) run() int {
	var c commands
	exit := -1
	parser, err := kong.New(&c,
		kong.Name("ostiary"),
		kong.Description("A doorkeeper for MCP tools: every call is judged, and every call leaves evidence."),
		kong.Writers(p.out, p.err),
		kong.Exit(func(code int) { exit = code }),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		return p.fail(err)
	}
	ctx, stop := p.signals()
	defer stop()
	k, err := parser.Parse(p.args)
	if exit >= 0 { // help or the version was asked for
		return exit
	}
	if err != nil {
		fmt.Fprintln(p.err, "ostiary:", err)
		help := "Run `ostiary --help` for the commands."
		var parsing *kong.ParseError
		if errors.As(err, &parsing) && parsing.Context.Selected() != nil && parsing.Context.Selected().Name != "help" {
			help = "Run `" + parsing.Context.Selected().FullPath() + " --help` for its arguments and flags."
		}
		fmt.Fprintln(p.err, help)
		return misused
	}
	k.BindTo(ctx, (*context.Context)(nil))
	if err := k.Run(p); err != nil {
		return p.fail(err)
	}
	return 0
}

// signals returns a context that ends when the program is told to. A client that
// closes its end must not kill us before the outcome is written, so a broken
// pipe is an error like others.
func (p program) signals() (context.Context, func()) {
	signal.Ignore(syscall.SIGPIPE)
	return signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
}

// fail prints what went wrong and what to do about it, one error a line.
func (p program) fail(err error) int {
	for _, e := range flatten(err) {
		var oe *ostiary.Error
		text := e.Error()
		if errors.As(e, &oe) { // what is around it says what it is about
			text = strings.Replace(text, oe.Error(), strings.TrimPrefix(oe.Error(), string(oe.Code)+": "), 1)
		}
		fmt.Fprintln(p.err, "ostiary:", strings.TrimSpace(text))
	}
	return failed
}

func flatten(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, e := range joined.Unwrap() {
			all = append(all, flatten(e)...)
		}
		return all
	}
	return []error{err}
}
