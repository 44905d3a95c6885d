package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/config"
)

type policyInitCommand struct {
	Output string `short:"o" placeholder:"FILE" help:"Write to this new file instead of standard output."`
	serverFlags
}

// Run starts the server, looks at its tools and writes a policy for them that
// allows no more than the defaults do.
func (i *policyInitCommand) Run(ctx context.Context, p program) error {
	file := config.Defaults()
	if len(i.command()) == 0 {
		return &ostiary.Error{Code: ostiary.CodeConfigInvalid,
			Message: "no server to look at: write its command behind --, as in `ostiary policy init -- node server.js`"}
	}
	up, err := i.upstream(&file)
	if err != nil {
		return err
	}
	list, err := listTools(ctx, &file, up, p.err)
	if err != nil {
		return err
	}
	up.Command = fixed(up.Command)
	d := draft{up: up, tools: list.tools}
	dirs, err := up.Directories("")
	if err != nil {
		return fmt.Errorf("an argument of %s cannot be looked at: %w", up.Name, err)
	}
	if len(dirs) > 0 {
		d.root = dirs[0]
	}
	text := d.write()
	if _, err := config.Parse("policy.yaml", text, config.Options{SkipSecrets: true}); err != nil {
		return fmt.Errorf("the policy that was made for %s cannot be read again: %w", up.Name, err)
	}
	if i.Output == "" {
		_, err := p.out.Write(text)
		return err
	}
	return i.save(p, text, d)
}

// save never overwrites what a person wrote.
func (i *policyInitCommand) save(p program, text []byte, d draft) error {
	f, err := os.OpenFile(i.Output, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return &ostiary.Error{Code: ostiary.CodeConfigInvalid, Message: i.Output + " is there already: name another file with -o, or move it away"}
	}
	if err != nil {
		return err
	}
	_, err = bytes.NewReader(text).WriteTo(f)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	fmt.Fprintf(p.out, "%s: rules for %s of %s; read it, edit it, then run\n", i.Output, counted(len(d.tools), "tool"), d.up.Name)
	fmt.Fprintf(p.out, "  ostiary policy lint %s -- %s\n", i.Output, shellWords(d.up.Command))
	fmt.Fprintf(p.out, "  ostiary run --config %s --name %s\n", i.Output, d.up.Name)
	return nil
}

// fixed makes the words of a command that name files independent of where it is
// started, since the policy may be kept elsewhere.
func fixed(command []string) []string {
	made := make([]string, len(command))
	for i, word := range command {
		made[i] = word
		if filepath.IsAbs(word) || i == 0 && filepath.Base(word) == word {
			continue
		}
		if _, err := os.Stat(word); err != nil {
			continue
		}
		if abs, err := filepath.Abs(word); err == nil {
			made[i] = abs
		}
	}
	return made
}
