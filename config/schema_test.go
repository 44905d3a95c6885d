package config

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml/ast"
	"github.com/google/jsonschema-go/jsonschema"
)

func resolved(t *testing.T) *jsonschema.Resolved {
	t.Helper()
	var s jsonschema.Schema
	if err := json.Unmarshal(JSONSchema(), &s); err != nil {
		t.Fatal(err)
	}
	r, err := s.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestSchemaAccepts: what the decoder accepts, an editor does not underline.
func TestSchemaAccepts(t *testing.T) {
	schema := resolved(t)
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	accepted := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(file, data, testOptions()); err != nil {
			continue
		}
		accepted++
		if err := schema.Validate(asJSON(t, data)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	if accepted < 10 {
		t.Errorf("only %d files are accepted", accepted)
	}
}

// TestSchemaRefuses: what is wrong in its structure, an editor underlines.
func TestSchemaRefuses(t *testing.T) {
	schema := resolved(t)
	for _, name := range []string{
		"typo_key", "typo_word", "version_2", "version_text", "layers", "empty_lists", "not_a_mapping", "text_only",
		"nothing_there", "numbers_as_text", "many_errors", "validators_bad", "unknown_section",
	} {
		data, err := os.ReadFile("testdata/" + name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(asJSON(t, data)); err == nil {
			t.Errorf("%s: the schema accepts it", name)
		}
	}
}

// asJSON is what an editor sees: plain values. (The library's own decoder takes
// [fs:read] inside braces for a mapping, so it cannot be used here.)
func asJSON(t *testing.T, data []byte) any {
	t.Helper()
	d := &decoder{name: "x.yaml"}
	root := d.parseSource(data)
	if d.failed() > 0 {
		t.Fatal(d.err())
	}
	if root == nil {
		return nil
	}
	return plainValue(t, root)
}

func plainValue(t *testing.T, n ast.Node) any {
	switch n := n.(type) {
	case *ast.MappingNode:
		m := map[string]any{}
		for _, p := range n.Values {
			m[keyText(p.Key)] = plainValue(t, p.Value)
		}
		return m
	case *ast.SequenceNode:
		s := []any{}
		for _, v := range n.Values {
			s = append(s, plainValue(t, v))
		}
		return s
	case *ast.StringNode:
		return n.Value
	case *ast.LiteralNode:
		return n.Value.Value
	case *ast.BoolNode:
		return n.Value
	case *ast.NullNode:
		return nil
	case *ast.IntegerNode:
		switch v := n.Value.(type) {
		case int64:
			return float64(v)
		case uint64:
			return float64(v)
		}
	case *ast.FloatNode:
		return n.Value
	}
	t.Fatalf("unexpected %T", n)
	return nil
}

// TestSchemaKnowsEveryKey feeds each property of the published schema to the
// decoder, and a key that is in no schema, at the same place.
func TestSchemaKnowsEveryKey(t *testing.T) {
	var schema map[string]any
	if err := json.Unmarshal(JSONSchema(), &schema); err != nil {
		t.Fatal(err)
	}
	places := map[string][]string{} // the text around a key, and the keys of the schema there
	var walk func(s map[string]any, around string)
	walk = func(s map[string]any, around string) {
		if either, ok := s["anyOf"].([]any); ok {
			for _, a := range either {
				walk(a.(map[string]any), around)
			}
		}
		if items, ok := s["items"].(map[string]any); ok {
			walk(items, strings.Replace(around, "@", "[@]", 1))
		}
		if values, ok := s["additionalProperties"].(map[string]any); ok {
			walk(values, strings.Replace(around, "@", "{/x: @}", 1))
		}
		properties, ok := s["properties"].(map[string]any)
		if !ok {
			return
		}
		place := strings.Replace(around, "@", "{@}", 1)
		for k, v := range properties {
			places[place] = append(places[place], k)
			walk(v.(map[string]any), strings.Replace(place, "@", k+": @", 1))
		}
	}
	walk(schema, "@")
	keys := 0
	for place, known := range places {
		for _, k := range append(slices.Clone(known), "zzzzzzzzzz") {
			keys++
			_, err := Parse("x.yaml", []byte(strings.Replace(place, "@", k+": [[]]", 1)), testOptions())
			refused := strings.Contains(errorText(err), "unknown key \""+k+"\"")
			if refused == (k != "zzzzzzzzzz") {
				t.Errorf("%s: key %s: refused as unknown: %v\n%s", place, k, refused, errorText(err))
			}
		}
	}
	if keys < 100 {
		t.Errorf("only %d keys", keys)
	}
	// The other way round: every key of the table is in the schema.
	var count func(s *shape) int
	count = func(s *shape) (n int) {
		if s == nil {
			return 0
		}
		for _, f := range s.fields {
			n += 1 + count(f.shape)
		}
		return n + count(s.item) + count(s.values) + count(s.brief)
	}
	if table := count(fileKind().shape); table > keys-len(places) {
		t.Errorf("the table has %d keys, the schema %d", table, keys-len(places))
	}
}

// TestReference: the page says what the decoder reads; -update writes it anew.
func TestReference(t *testing.T) {
	const file = "../docs/reference/configuration.md"
	got := reference()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("docs/reference/configuration.md is not what the table says: run go test ./config -update")
	}
}

// TestEveryKeyIsDocumented: a key without a text would be a hole in the page.
func TestEveryKeyIsDocumented(t *testing.T) {
	var walk func(s *shape, path string)
	walk = func(s *shape, path string) {
		if s == nil {
			return
		}
		if s.name == "" {
			t.Errorf("%s has no name for people", path)
		}
		for _, f := range s.fields {
			if f.doc == "" && f.layer == "" {
				t.Errorf("%s.%s has no text", path, f.key)
			}
			walk(f.shape, path+"."+f.key)
		}
		walk(s.item, path+"[]")
		walk(s.values, path+".*")
		walk(s.brief, path+" (brief)")
	}
	walk(fileKind().shape, "file")
}
