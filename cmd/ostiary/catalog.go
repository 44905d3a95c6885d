package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/config"
	"github.com/ostiary/ostiary/gateway"
	"github.com/ostiary/ostiary/wire"
)

// catalog is a list of tools and where it comes from.
type catalog struct {
	upstream string
	tools    []ostiary.Tool
	listed   time.Time
	started  bool // from a server that was started for it, else kept
}

func (c catalog) source() string {
	if c.started {
		return fmt.Sprintf("%s: %s of the server, started just now", c.upstream, counted(len(c.tools), "tool"))
	}
	return fmt.Sprintf("%s: %s from the kept list, %s", c.upstream, counted(len(c.tools), "tool"), ago(c.listed))
}

// listTools starts a server behind a door that lets nothing through but its
// lists, and returns its tools. The door starts, lists and ends it as always.
func listTools(ctx context.Context, file *config.File, up config.Upstream, stderr io.Writer) (catalog, error) {
	none := config.Defaults()
	dir, err := os.MkdirTemp("", "ostiary-list-")
	if err != nil {
		return catalog{}, err
	}
	defer os.RemoveAll(dir)
	// What the server chats about is of interest only if it does not list.
	var chat chatter
	log := logger(&chat, false)
	w, err := wiring(dir, "", up, log)
	if err != nil {
		return catalog{}, err
	}
	rules, err := none.NewPolicy(w, nil)
	if err != nil {
		return catalog{}, err
	}
	line, err := none.NewLine(rules, forgetful{}, time.Now, nil)
	if err != nil {
		return catalog{}, err
	}
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := gateway.Run(ctx, gateway.Options{
			Line: line, Policy: rules, Upstream: up.Name, Command: up.Command, Dir: up.Cwd,
			Env:       gateway.Environment(os.Environ(), up.PassEnv, up.Env),
			Principal: ostiary.Principal{ID: "ostiary", Client: "ostiary"}, Session: "list",
			CatalogFile: catalogFile(dir, up.Name), Limits: wire.Limits{MaxBytes: none.Limits.Message},
			CatalogWait: file.Limits.Catalog, StderrBytes: none.Limits.Stderr, Grace: time.Second,
			In: inR, Out: outW, Stderr: &chat, Log: log, Now: time.Now, Rand: rand.Reader,
		})
		inR.CloseWithError(io.ErrClosedPipe)
		outW.Close()
		done <- err
	}()
	asked := ask(inW, outR, file.Limits.Catalog)
	inW.Close()
	go func() {
		// What the server still says is not of interest; the pipe's end is.
		_, _ = io.Copy(io.Discard, outR)
	}()
	ended := <-done
	tools, err := gateway.LoadCatalog(catalogFile(dir, up.Name))
	if err != nil {
		if gateway.NeverListed(err) {
			err = nil
		}
		chat.show(stderr)
		return catalog{}, &ostiary.Error{Code: ostiary.CodePolicyCatalog, Err: errors.Join(err, ended, asked),
			Message: fmt.Sprintf("the server %s did not list its tools: check its command", up.Name)}
	}
	return catalog{upstream: up.Name, tools: tools, listed: time.Now(), started: true}, nil
}

// chatter keeps what a server and the door in front of it say to their operator.
type chatter struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (c *chatter) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.b.Write(b)
}

func (c *chatter) show(to io.Writer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	// It goes to a person's standard error, which nobody else reads.
	_, _ = c.b.WriteTo(to)
}

// ask is the smallest client: a handshake, and a call to no tool, which the door
// refuses once it knows the tools. A server of the modern era alone refuses the
// handshake; the call then says its revision.
func ask(in io.Writer, out *io.PipeReader, patience time.Duration) error {
	t := time.AfterFunc(3*patience, func() { _ = out.Close() })
	defer t.Stop()
	answers := bufio.NewReader(out)
	send := func(line string) error { _, err := io.WriteString(in, line+"\n"); return err }
	answer := func(id string) (map[string]json.RawMessage, error) {
		for {
			line, err := answers.ReadBytes('\n')
			if err != nil {
				return nil, fmt.Errorf("no answer from the server: %w", err)
			}
			var m map[string]json.RawMessage
			if json.Unmarshal(line, &m) == nil && string(m["id"]) == id {
				return m, nil
			}
		}
	}
	if err := send(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"ostiary","version":"` + version + `"}}}`); err != nil {
		return err
	}
	m, err := answer("1")
	if err != nil {
		return err
	}
	meta := ""
	if m["error"] != nil {
		meta = `,"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}`
	} else if err := send(`{"jsonrpc":"2.0","method":"notifications/initialized"}`); err != nil {
		return err
	}
	if err := send(`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"no tool","arguments":{}` + meta + `}}`); err != nil {
		return err
	}
	_, err = answer("2")
	return err
}

// keptCatalogs are the lists in the state directory.
func keptCatalogs(state string) ([]catalog, error) {
	files, err := filepath.Glob(filepath.Join(state, "catalog", "*.json"))
	if err != nil {
		return nil, err
	}
	var kept []catalog
	var errs []error
	for _, file := range files {
		tools, err := gateway.LoadCatalog(file)
		info, statErr := os.Stat(file)
		if err := errors.Join(err, statErr); err != nil {
			errs = append(errs, err)
			continue
		}
		kept = append(kept, catalog{upstream: strings.TrimSuffix(filepath.Base(file), ".json"), tools: tools, listed: info.ModTime()})
	}
	return kept, errors.Join(errs...)
}

// catalogs are the lists that a policy is compared with: the server's that is
// named behind --, and those that were kept.
func (s serverFlags) catalogs(ctx context.Context, file *config.File, state stateFlag, stderr io.Writer) ([]catalog, error) {
	dir, err := state.dir()
	if err != nil {
		return nil, err
	}
	all, err := keptCatalogs(dir)
	if err != nil {
		return nil, err
	}
	if len(s.command()) > 0 {
		up, err := s.upstream(file)
		if err != nil {
			return nil, err
		}
		fresh, err := listTools(ctx, file, up, stderr)
		if err != nil {
			return nil, err
		}
		// Of servers that were not started now, only those count that the file names.
		all = slices.DeleteFunc(all, func(c catalog) bool { return c.upstream == up.Name || !names(file, c.upstream) })
		all = append(all, fresh)
	}
	if len(all) == 0 {
		return nil, &ostiary.Error{Code: ostiary.CodePolicyCatalog,
			Message: "no list of tools is known: write the server's command behind --, or run the server once with `ostiary run" + state.again() +
				"`, or list its tools through `ostiary serve" + state.again() + "`, which keep its list"}
	}
	return all, nil
}

// names reports whether a file speaks of an upstream by its name.
func names(file *config.File, upstream string) bool {
	return file.Upstream(upstream) != nil ||
		slices.ContainsFunc(file.Rules, func(r config.Rule) bool { return upstreamOf(r.Pattern) == upstream }) ||
		slices.ContainsFunc(file.Deny, func(d config.Deny) bool { return upstreamOf(d.Pattern) == upstream })
}

// forgetful is a recorder for calls that reach nobody: the door's own look at a
// server, and calls that are only explained.
type forgetful struct{}

// Begin implements ostiary.Recorder.
func (forgetful) Begin(*ostiary.Call) (ostiary.Entry, error) { return forgetful{}, nil }

// Intent implements ostiary.Entry.
func (forgetful) Intent(ostiary.Decision) error { return nil }

// End implements ostiary.Entry.
func (forgetful) End(ostiary.Outcome) error { return nil }
