package policy

import (
	"encoding/json"
	"slices"
	"strings"

	"cel.dev/cel-go/common/types"

	"github.com/ostiary/ostiary"
)

// rewrite reports arguments that the row tells the door to take away and that no
// tool has, which protects from nothing, or that a tool cannot do without, which
// refuses every call. A dry run, a preview and a key that the tool does not have
// are problems already.
func (l *linter) rewrite(r *Row, spoken []ostiary.Tool) {
	for _, name := range r.Rewrite.Strip {
		l.stripped(r, name, spoken)
	}
	if name := r.Rewrite.Token; name != "" {
		for _, t := range spoken {
			full := t.Upstream + "/" + t.Name
			args := l.compilers[t.Upstream].argTypes(t)
			switch declared := args.fields[name]; {
			case needs(t, name):
				l.add(r.Source, SeverityError, "name an argument that the tool does without",
					"token: rule %s takes the argument %s away, which %s requires, so every call to it is refused", r.Pattern, quoted(name), full)
			case declared != nil && !declared.Type.IsExactType(types.StringType) && !declared.Type.IsExactType(types.DynType):
				l.add(r.Source, SeverityError, "name a text argument, or one that the tool does not have",
					"token: the argument %s of %s is no text, and a token is one, so every call with it is refused", quoted(name), full)
			}
		}
	}
}

func (l *linter) stripped(r *Row, name string, spoken []ostiary.Tool) {
	var names []string
	there := false
	for _, t := range spoken {
		args := l.compilers[t.Upstream].argTypes(t)
		there = there || args.free || args.more || args.has(name)
		names = append(names, args.names...)
		if needs(t, name) {
			l.add(r.Source, SeverityError, "write do: ignore, which passes it on and does not believe it",
				"confirm: rule %s takes the argument %s away, which %s/%s requires, so every call to it is refused", r.Pattern, quoted(name), t.Upstream, t.Name)
		}
	}
	if !there {
		slices.Sort(names)
		l.add(r.Source, SeverityError, "correct the name, or remove confirm:",
			"confirm: none of the tools of rule %s has an argument %s, so nothing is taken away%s", r.Pattern, quoted(name), didYouMean(name, slices.Compact(names)))
	}
}

// needs reports whether the schema of a tool requires an argument.
func needs(t ostiary.Tool, name string) bool {
	var s struct{ Required []string }
	return json.Unmarshal(t.InputSchema, &s) == nil && slices.Contains(s.Required, name)
}

// twice names an argument that two keys of a row would change or read, of which
// one takes it away; "" if there is none.
func (r *Row) twice() (name string, keys string) {
	by := map[string][]string{}
	note := func(key string, names ...string) {
		for _, n := range names {
			if n != "" && !slices.Contains(by[n], key) {
				by[n] = append(by[n], key)
			}
		}
	}
	note("confirm:", r.Rewrite.Strip...)
	note("dry_run:", r.Rewrite.DryRun)
	note("token:", r.Rewrite.Token)
	changed := len(by)
	note("idempotency:", r.Idempotency.Argument)
	note("preview:", r.PreviewArgs...)
	if changed == 0 {
		return "", ""
	}
	for _, n := range sortedKeys(by) {
		if len(by[n]) > 1 && !slices.Equal(by[n], []string{"idempotency:", "preview:"}) {
			return n, strings.Join(by[n], " and ")
		}
	}
	return "", ""
}
