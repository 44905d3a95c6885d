package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/internal/demo"
	"github.com/ostiary/ostiary/internal/demo/server"
)

// demoCommand shows what the door does, on a small server of our own.
type demoCommand struct {
	JSON bool   `name:"json" help:"Print one JSON object a line."`
	Keep string `placeholder:"DIR" help:"Work in this empty directory and keep it."`
}

// Run fails if any verdict is not what it must be.
func (d *demoCommand) Run(ctx context.Context, p program) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return demo.Run(ctx, demo.Options{
		Program: self, Dir: d.Keep, Verify: verifyDemo,
		Out: p.out, JSON: d.JSON, Color: isTerminal(p.out) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb",
		Progress: progress(p.err),
	})
}

func verifyDemo(ctx context.Context, state string) (demo.Verified, error) {
	r, err := audit.Verify(ctx, state, audit.VerifyOptions{})
	if err != nil {
		return demo.Verified{}, err
	}
	v := demo.Verified{Records: r.Records, Checkpoints: r.Checkpoints}
	if len(r.Broken) > 0 {
		v.Broken, v.Record = r.Broken[0].String(), r.Broken[0].N
	}
	return v, nil
}

// progress shows one passing line to a person, and nothing in a pipe.
func progress(to io.Writer) func(string) {
	if !isTerminal(to) {
		return func(string) {}
	}
	return func(what string) { fmt.Fprint(to, "\r\x1b[K", what) }
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// demoServerCommand is the server of the demonstration; the door starts it.
type demoServerCommand struct {
	Workspace string `arg:""`
}

// Run serves until its standard input ends.
func (d *demoServerCommand) Run(ctx context.Context, p program) error {
	return server.Serve(ctx, d.Workspace, p.in, p.out)
}
