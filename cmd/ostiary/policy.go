package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/config"
)

// policyCommand is about what a policy means for a server's tools.
type policyCommand struct {
	Init    policyInitCommand    `cmd:"" help:"Look at a server's tools and write a policy for them, ready to edit."`
	Lint    policyLintCommand    `cmd:"" help:"Compare a policy with the tools of its servers: dead rules, misspelt names, weak effects."`
	Explain policyExplainCommand `cmd:"" help:"Say which rule speaks for a call, what each gate says, and why."`
	Test    policyTestCommand    `cmd:"" help:"Run the cases (*.txtar) of a directory through the real door."`
}

// serverFlags name a server to start for its tools.
type serverFlags struct {
	Name    string   `help:"Name of the server in rules (default: the base name of its command)."`
	Command []string `arg:"" optional:"" passthrough:"partial" name:"command" help:"The server and its arguments, behind --."`
}

func (s serverFlags) command() []string {
	if len(s.Command) > 0 && s.Command[0] == "--" {
		return s.Command[1:]
	}
	return s.Command
}

// placed refuses a file that lies where its server can write, as `run` does, before
// a server is started that could.
func (s serverFlags) placed(file *config.File) error {
	if len(s.command()) == 0 {
		return config.Placement(file, nil)
	}
	up, err := s.upstream(file)
	if err != nil {
		return err
	}
	return place(file, up)
}

// upstream is the row of the server to start, as for `ostiary run`; without a name
// the row with this very command is meant, or the only one.
func (s serverFlags) upstream(file *config.File) (config.Upstream, error) {
	name := s.Name
	for _, row := range file.Upstreams {
		if name == "" && (len(file.Upstreams) == 1 || slices.Equal(row.Command, s.command())) {
			name = row.Name
		}
	}
	return (&runCommand{Name: name, Command: s.command()}).upstream(file)
}

// upstreamOf is the part of a pattern before its first slash.
func upstreamOf(pattern string) string {
	up, _, _ := strings.Cut(pattern, "/")
	return up
}

// noSuch says that a name is not among those that are known.
func noSuch(what, name string, known []string) error {
	known = slices.Sorted(slices.Values(known))
	next := "there are " + strings.Join(known, ", ")
	if len(known) == 0 {
		next = "there is none"
	} else if n := config.Nearest(name, known); n != "" {
		next = fmt.Sprintf("did you mean %q?", n)
	}
	return &ostiary.Error{Code: ostiary.CodeConfigInvalid, Message: fmt.Sprintf("there is no %s %q: %s", what, name, next)}
}
