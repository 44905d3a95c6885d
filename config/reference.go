package config

import (
	"fmt"
	"strings"
)

// reference is docs/reference/configuration.md, made from the table that the
// decoder reads.
func reference() []byte {
	var b strings.Builder
	b.WriteString(`# Configuration

One strict YAML file. Everything has a careful default, so an empty file is a valid policy. An unknown key, a key that
stands twice, a value of another kind, an anchor, an alias, a tag or a second document is an error with line and column;
all errors of a file are said at once. ` + "`ostiary config check FILE`" + ` reads a file, ` + "`ostiary config schema`" + ` prints
its JSON Schema for editors. This page is made from the same table as both; do not edit it.

- **Paths**: a relative path is relative to the file; ` + "`~/`" + ` is the home directory of the operating-system user, whatever ` + "`$HOME`" + ` says.
- **Durations** are a number and ` + "`ms`, `s`, `m` or `h`" + `; **sizes** bytes, or a number and ` + "`KiB`, `MiB` or `GiB`" + `;
  **rates** a count, a slash and ` + "`s`, `min`, `h` or `day`" + `.
- **Secrets** stay outside: ` + "`${env:NAME}` and `${file:PATH}`" + ` are replaced in values of ` + "`env:`" + `, of ` + "`credential:`" + `
  and of ` + "`telemetry.otlp.headers`" + `, and in the secrets of ` + "`approvals.webhook`" + ` and ` + "`auth.introspection`" + `, and nowhere else.
- **Texts** that begin with ` + "`*`, `&`, `!`, `@` or `%`" + ` must be in quotes: ` + "`\"*/*\"`" + `.
- **Who can write it**: the file and its directory must belong to you or to root and be writable by nobody else, and the
  file must not lie where its own rules or servers can write.
- **Effects**: ` + "`read`" + ` changes nothing, ` + "`write`" + ` adds or changes what can be put back, ` + "`destructive`" + ` takes away or overwrites,
  ` + "`execute`" + ` runs code or commands, ` + "`spend`" + ` costs money or speaks in your name. The last three ask a person unless the rule says otherwise.
- A key whose layer is not built yet is an error that names the layer.
- What begins with ` + "`dangerously_`" + ` weakens a check and is there to be found with a search.

`)
	sections(&b, fileKind().shape, "The file", map[string]bool{})
	return []byte(b.String())
}

// sections writes an object and then those that stand in it.
func sections(b *strings.Builder, s *shape, title string, seen map[string]bool) {
	if seen[s.title] {
		return
	}
	seen[s.title] = true
	fmt.Fprintf(b, "## %s\n\n| key | value | what it says |\n|---|---|---|\n", title)
	var layers []string
	for _, f := range s.fields {
		if f.layer != "" {
			layers = append(layers, fmt.Sprintf("`%s` (%s)", f.key, f.layer))
			continue
		}
		doc := f.doc
		if f.required {
			doc += " **Required.**"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", f.key, cell(f.shape.name), cell(doc))
	}
	if len(layers) > 0 {
		fmt.Fprintf(b, "\nNot built yet: %s.\n", strings.Join(layers, ", "))
	}
	b.WriteString("\n")
	for _, f := range s.fields {
		for _, o := range f.shape.objects() {
			sections(b, o, "`"+f.key+"`: "+o.title, seen)
		}
	}
}

// objects are the objects that a shape holds, not those inside of these.
func (s *shape) objects() []*shape {
	switch {
	case s == nil:
		return nil
	case s.title != "":
		return append([]*shape{s}, s.brief.objects()...)
	}
	return append(append(s.item.objects(), s.values.objects()...), s.brief.objects()...)
}

func cell(s string) string { return strings.ReplaceAll(s, "|", "\\|") }
