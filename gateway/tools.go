package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/ostiary/ostiary"
)

// toolsOf reads the entries of a tools/list. Keys count exactly as written. A
// name that is listed twice could mean either definition, so it names no tool;
// bad are the names of entries that could not be read.
func toolsOf(upstream string, items []any, bad []string) (tools []ostiary.Tool, twice []string) {
	seen := map[string]int{}
	for _, name := range bad {
		seen[name]++
	}
	for _, item := range items {
		if m, ok := item.(map[string]any); ok {
			seen[text(m, "name")]++
		}
	}
	for _, item := range items {
		m, ok := item.(map[string]any)
		name := text(m, "name")
		if !ok || name == "" {
			continue
		}
		if seen[name] > 1 {
			if !slices.Contains(twice, name) {
				twice = append(twice, name)
			}
			continue
		}
		hints, _ := m["annotations"].(map[string]any)
		tools = append(tools, ostiary.Tool{
			Upstream: upstream, Name: name, Title: text(m, "title"), Description: text(m, "description"),
			Annotations: ostiary.Annotations{
				ReadOnly: hint(hints, "readOnlyHint"), Destructive: hint(hints, "destructiveHint"),
				Idempotent: hint(hints, "idempotentHint"), OpenWorld: hint(hints, "openWorldHint"),
			},
			InputSchema: schema(m, "inputSchema"), OutputSchema: schema(m, "outputSchema"),
		})
	}
	return tools, twice
}

func text(m map[string]any, key string) string {
	s, _ := m[key].(string)
	return s
}

func hint(m map[string]any, key string) *bool {
	if b, ok := m[key].(bool); ok {
		return &b
	}
	return nil
}

func schema(m map[string]any, key string) []byte {
	v, ok := m[key]
	if !ok {
		return nil
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return raw
}

// savedCatalog is the file that keeps the last list of an upstream, for people
// and for the commands that judge a policy without starting the server.
type savedCatalog struct {
	Upstream string           `json:"upstream"`
	Listed   time.Time        `json:"listed"`
	Lists    map[string][]any `json:"lists"`
}

func saveCatalog(file, upstream string, now time.Time, lists map[string][]any) error {
	if file == "" {
		return nil
	}
	return writeCatalog(file, savedCatalog{Upstream: upstream, Listed: now.UTC(), Lists: lists})
}

// writeCatalog replaces a file as one; only the user can read it.
func writeCatalog(file string, saved savedCatalog) error {
	raw, err := json.MarshalIndent(saved, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), ".catalog-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = tmp.Write(raw)
	err = errors.Join(err, tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), file)
	}
	if err != nil {
		os.Remove(tmp.Name())
	}
	return err
}

// LoadCatalog returns the tools that an upstream listed last. It returns
// fs.ErrNotExist if it was never listed.
func LoadCatalog(file string) ([]ostiary.Tool, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var s savedCatalog
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&s); err != nil {
		return nil, &ostiary.Error{Code: ostiary.CodePolicyCatalog, Err: err,
			Message: "the kept list of tools cannot be read: start the server once more with `ostiary run`"}
	}
	tools, _ := toolsOf(s.Upstream, s.Lists["tools"], nil)
	return tools, nil
}

// NeverListed reports whether err says that an upstream was never listed.
func NeverListed(err error) bool { return errors.Is(err, fs.ErrNotExist) }
