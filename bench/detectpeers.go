package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"strings"
)

// readPeers takes the definitions and some answers of the npm servers, which read
// this repository's own documents: benign text that speaks of attacks.
func readPeers(ctx context.Context) (all []specimen, err error) {
	root, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	var reads []string
	for _, glob := range []string{"*.md", "docs/*.md", "docs/guides/*.md", "docs/reference/*.md", "docs/decisions/*.md", "gateway/*.go"} {
		files, err := filepath.Glob(glob)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			reads = append(reads, peerCall("read_text_file", map[string]any{"path": filepath.Join(root, f)}))
		}
	}
	reads = append(reads, peerCall("list_directory", map[string]any{"path": root}), peerCall("directory_tree", map[string]any{"path": filepath.Join(root, "docs")}))
	for _, p := range []struct {
		name  string
		args  []string
		calls []string
	}{
		{"server-everything", nil, []string{
			peerCall("echo", map[string]any{"message": "hello"}), peerCall("get-sum", map[string]any{"a": 2, "b": 3}),
			peerCall("get-tiny-image", map[string]any{}), peerCall("get-structured-content", map[string]any{"location": "New York"}),
			peerCall("get-annotated-message", map[string]any{"messageType": "error", "includeImage": false}),
			peerCall("get-resource-links", map[string]any{"count": 3}),
		}},
		{"server-filesystem", []string{root}, reads},
		{"server-memory", nil, []string{peerCall("read_graph", map[string]any{})}},
		{"server-sequential-thinking", nil, []string{peerCall("sequentialthinking", map[string]any{"thought": "first", "nextThoughtNeeded": false, "thoughtNumber": 1, "totalThoughts": 1})}},
	} {
		script := filepath.Join("internal", "peers", "node_modules", "@modelcontextprotocol", p.name, "dist", "index.js")
		if _, err := os.Stat(script); errors.Is(err, fs.ErrNotExist) {
			log.Printf("detect: SKIPPED, not measured: %s is not installed; run make peers", p.name)
			continue
		}
		some, err := askPeer(ctx, root, p.name, append([]string{"node", script}, p.args...), p.calls)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
		all = append(all, some...)
	}
	return all, nil
}

func peerCall(tool string, args map[string]any) string {
	b, err := json.Marshal(map[string]any{"name": tool, "arguments": args})
	if err != nil {
		panic(err) // maps of plain values
	}
	return string(b)
}

// askPeer lists a server's tools and makes the calls.
func askPeer(ctx context.Context, cwd, name string, argv, calls []string) (all []specimen, err error) {
	s, err := launch(ctx, argv)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.end()) }()
	ask := func(method, params string, into any) error {
		s.id++
		if _, err := fmt.Fprintf(s.in, `{"jsonrpc":"2.0","id":%d,"method":%q,"params":%s}`+"\n", s.id, method, params); err != nil {
			return err
		}
		for {
			line, err := s.out.ReadBytes('\n')
			if err != nil {
				return errors.Join(err, io.ErrUnexpectedEOF)
			}
			var answer struct {
				ID     int
				Method string
				Result json.RawMessage
			}
			if err := json.Unmarshal(line, &answer); err != nil {
				return err
			}
			if answer.Method == "" && answer.ID == s.id {
				if answer.Result == nil {
					return fmt.Errorf("%s %.200s gave %.300s", method, params, line)
				}
				return json.Unmarshal(answer.Result, into)
			}
		}
	}
	var list struct {
		Tools []struct {
			Name, Description string
			InputSchema       struct {
				Properties map[string]struct{ Description string }
			}
		}
	}
	if err := ask("tools/list", "{}", &list); err != nil {
		return nil, err
	}
	for _, t := range list.Tools {
		d := specimen{Source: "npm", Kind: "definition", Name: name + " " + t.Name, Definition: true, Texts: []string{t.Description}}
		for p, about := range t.InputSchema.Properties {
			d.Texts = append(d.Texts, p+": "+about.Description)
		}
		all = append(all, d)
	}
	for _, c := range calls {
		var result struct {
			Content []struct{ Text string }
		}
		if err := ask("tools/call", c, &result); err != nil {
			return nil, err
		}
		for _, part := range result.Content {
			if part.Text != "" {
				all = append(all, specimen{Source: "npm", Kind: "result", Name: fmt.Sprintf("%s, %s", name, strings.ReplaceAll(c, cwd+"/", "")), Texts: []string{part.Text}})
			}
		}
	}
	return all, nil
}
