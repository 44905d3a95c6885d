package validate

import (
	"maps"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	ostiary "github.com/ostiary/ostiary"
)

// Suggestion is a guess at the validator that an argument wants, for a policy
// that a person then edits. It decides nothing.
type Suggestion struct {
	// Pointer is where, Kind the configuration key of the validator: path, url,
	// sql or command.
	Pointer, Kind string
	// Why says what the guess rests on.
	Why string
	// Optional says that the tool's schema does not require the argument.
	Optional bool
}

// Suggest guesses from names and formats in the tool's own schema. It looks at
// the arguments and two levels below, and returns nothing where there is no
// usable schema.
func Suggest(tool ostiary.Tool) []Suggestion {
	root, err := parseSchema(tool.InputSchema)
	if err != nil {
		return nil
	}
	var out []Suggestion
	suggest(root, root, "", false, 0, &out)
	return out
}

func suggest(root, s *jsonschema.Schema, at string, optional bool, depth int, out *[]Suggestion) {
	if depth > 2 {
		return
	}
	for _, f := range flatten(root, []*jsonschema.Schema{s}) {
		for _, name := range slices.Sorted(maps.Keys(f.Properties)) {
			p := f.Properties[name]
			pointer := at + "/" + escapeToken(name)
			opt := optional || !slices.Contains(f.Required, name)
			found := false
			for _, v := range flatten(root, []*jsonschema.Schema{p}) {
				t := declaredTypes(v)
				if t&typeArray != 0 && v.Items != nil {
					if e := declaredTypes(v.Items); e&typeString != 0 && !found {
						found = add(out, name, v.Items, pointer+"/*", opt)
					}
					suggest(root, v.Items, pointer+"/*", opt, depth+1, out)
				}
				if t&typeString != 0 && !found {
					found = add(out, name, v, pointer, opt)
				}
			}
			suggest(root, p, pointer, opt, depth+1, out)
		}
	}
}

func add(out *[]Suggestion, name string, s *jsonschema.Schema, pointer string, optional bool) bool {
	kind, why := guess(name, s)
	if kind == "" || slices.ContainsFunc(*out, func(o Suggestion) bool { return o.Pointer == pointer }) {
		return false
	}
	*out = append(*out, Suggestion{Pointer: pointer, Kind: kind, Why: why, Optional: optional})
	return true
}

func guess(name string, s *jsonschema.Schema) (kind, why string) {
	switch s.Format {
	case "uri", "url", "iri":
		return "url", "its format is " + s.Format
	}
	ws := words(name)
	for _, g := range [...]struct {
		kind  string
		words []string
	}{
		{"url", []string{"url", "urls", "uri", "uris", "endpoint", "href", "webhook"}},
		{"path", []string{
			"path", "paths", "file", "files", "filename", "filenames", "filepath", "dir", "dirs", "directory", "directories",
			"folder", "folders", "cwd", "source", "destination", "root", "repo",
		}},
		{"sql", []string{"sql", "query", "statement"}},
		{"command", []string{"command", "cmd", "shell", "argv", "exec"}},
	} {
		for _, w := range ws {
			if !slices.Contains(g.words, w) || len(s.Enum) > 0 {
				continue
			}
			if g.kind == "sql" && w != "sql" && !strings.Contains(strings.ToLower(s.Description), "sql") {
				continue // most queries are searches
			}
			return g.kind, "its name says " + w
		}
	}
	return "", ""
}

// words splits a name such as filePath, file_path or file-path.
func words(name string) []string {
	var b strings.Builder
	for i, r := range name {
		if i > 0 && 'A' <= r && r <= 'Z' {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return strings.FieldsFunc(strings.ToLower(b.String()), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
}
