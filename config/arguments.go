package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/ostiary/ostiary/validate"
)

// ruleArgsKind is `args:` of a rule: a JSON pointer and what must hold there.
func ruleArgsKind() kind[[]validate.Argument] {
	return named("a JSON pointer", argumentKind(), func(d *decoder, k ast.Node, a *validate.Argument) {
		a.Pointer = keyText(k)
		if err := checkPointer(a.Pointer); err != nil {
			d.fail(k, "%s", err)
		}
	})
}

// checkPointer accepts RFC 6901; "" is the whole.
func checkPointer(p string) error {
	switch {
	case p == "":
		return nil
	case p[0] != '/':
		return fmt.Errorf("%q is no JSON pointer: write %q", brief(p), "/"+brief(p))
	case badTilde.MatchString(p):
		return fmt.Errorf("%q is no JSON pointer: write ~0 for ~ and ~1 for / inside a name", brief(p))
	}
	return nil
}

var badTilde = regexp.MustCompile(`~([^01]|$)`)

// denyArgsKind is `args:` of a deny row: a name or JSON pointer and what is denied there.
func denyArgsKind() kind[[]validate.Argument] {
	k := object("an argument of a deny row", []string{"under"}, nil,
		key("under", list(path(), false), func(a *validate.Argument) *[]string {
			a.Path = &validate.Path{}
			return &a.Path.Under
		}, "Paths: the row speaks if the argument names one of them or something below."),
	)
	return named("the name of an argument or a JSON pointer", k, func(d *decoder, k ast.Node, a *validate.Argument) {
		a.Pointer = keyText(k)
		switch {
		case a.Pointer == "":
			d.fail(k, "name an argument, such as path, or a JSON pointer, such as /files/*")
		case a.Pointer[0] == '/':
			if err := checkPointer(a.Pointer); err != nil {
				d.fail(k, "%s", err)
			}
		}
	})
}

func argumentKind() kind[validate.Argument] {
	return object("an argument", nil, checkArgument,
		key("optional", boolean(), func(a *validate.Argument) *bool { return &a.Optional },
			"The argument may be absent. Default: its absence denies."),
		key("path", pointer(pathKind()), func(a *validate.Argument) **validate.Path { return &a.Path },
			"A file name that must lie inside a directory."),
		key("command", pointer(commandKind()), func(a *validate.Argument) **validate.Command { return &a.Command },
			"A program and its arguments."),
		key("sql", pointer(sqlKind()), func(a *validate.Argument) **validate.SQL { return &a.SQL },
			"One SQL statement."),
		key("url", pointer(urlKind()), func(a *validate.Argument) **validate.URL { return &a.URL },
			"A URL."),
		key("enum", list(value(), false), func(a *validate.Argument) *[]any { return &a.Enum },
			"The values that are allowed."),
		key("pattern", checked("a regular expression (RE2)", "", checkRegexp), func(a *validate.Argument) *string { return &a.Pattern },
			"A regular expression (RE2) that must match the whole text."),
		key("max_bytes", size(1, 256<<20), func(a *validate.Argument) *int { return &a.MaxBytes },
			"The most bytes of a text in UTF-8, or of another value as JSON."),
		key("range", pointer(rangeKind()), func(a *validate.Argument) **validate.Range { return &a.Range },
			"The bounds of a number."),
	)
}

func checkArgument(d *decoder, at Pos, a *validate.Argument) {
	if a.Path == nil && a.Command == nil && a.SQL == nil && a.URL == nil && a.Enum == nil && a.Pattern == "" && a.MaxBytes == 0 && a.Range == nil {
		d.failAt(at, "nothing is said about this argument: add path, command, sql, url, enum, pattern, max_bytes or range")
	}
}

func checkRegexp(s string) error {
	_, err := regexp.Compile(s)
	var e *syntax.Error
	if errors.As(err, &e) {
		hint := ""
		if strings.Contains(s, "(?=") || strings.Contains(s, "(?!") || strings.Contains(s, "(?<") {
			hint = "; RE2 has no lookaround"
		}
		return fmt.Errorf("this is no regular expression (%s)%s", e.Code, hint)
	}
	return err
}

func pathKind() kind[validate.Path] {
	long := object("a path validator", nil, nil,
		must(key("root", path(), func(p *validate.Path) *string { return &p.Root },
			"The directory that the name must stay in.")),
		key("lexical", boolean(), func(p *validate.Path) *bool { return &p.Lexical },
			"Judge the text alone, for a server with another file system."),
		key("base", path(), func(p *validate.Path) *string { return &p.Base },
			"Where relative names start from. Default: the server's working directory."),
		key("max_bytes", size(1, 64<<10), func(p *validate.Path) *int { return &p.MaxBytes },
			"The most bytes of the name. Default: `4KiB`."),
		key("protected", list(text("a name"), false), func(p *validate.Path) *[]string { return &p.Protected },
			"Names that may not be touched, beside the built-in ones (`.git/hooks`, `.mcp.json`, shell start-up files …)."),
		key("dangerously_allow_protected", boolean(), func(p *validate.Path) *bool { return &p.AllowProtected },
			"Lets the built-in protected names pass."),
	)
	return short(long, path(), func(p *validate.Path, root string) { p.Root = root })
}

func commandKind() kind[validate.Command] {
	program := object("a program", nil, nil,
		must(key("path", path(), func(c *validate.CommandRule) *string { return &c.Path },
			"The program's file.")),
		key("flags", list(text("a flag"), false), func(c *validate.CommandRule) *[]string { return &c.Flags },
			"The flags that are allowed: `-l`, `--name-only`; `--max-count=` with any value; `--` lets words behind it begin with a dash."),
		key("subcommands", list(text("a word"), false), func(c *validate.CommandRule) *[]string { return &c.Subcommands },
			"The first words that are allowed."),
		key("max_args", integer(1, 4096), func(c *validate.CommandRule) *int { return &c.MaxArgs },
			"The most words behind the program. Default: `64`."),
		key("dangerously_interpreter", boolean(), func(c *validate.CommandRule) *bool { return &c.DangerouslyInterpreter },
			"Accepts a program whose arguments are programs, such as a shell."),
	)
	return object("a command validator", []string{"allow", "argument"}, nil,
		key("allow", list(program, false), func(c *validate.Command) *[]validate.CommandRule { return &c.Allow },
			"The programs that are allowed."),
		key("argument", boolean(), func(c *validate.Command) *bool { return &c.Argument },
			"The value is one word that the server hands to a program, not a command."),
		key("max_bytes", size(1, 1<<20), func(c *validate.Command) *int { return &c.MaxBytes },
			"The most bytes of all words. Default: `16KiB`."),
	)
}

func sqlKind() kind[validate.SQL] {
	names := func(what string) kind[[]string] { return list(text(what), false) }
	return object("an sql validator", nil, nil,
		must(key("dialect", word("postgresql", "sqlite"), func(s *validate.SQL) *string { return &s.Dialect },
			"The language: `postgresql` or `sqlite`.")),
		key("statements", names("a class of statements"), func(s *validate.SQL) *[]string { return &s.Statements },
			"The classes of statements that are allowed. Default: `select` alone."),
		key("tables", names("a table"), func(s *validate.SQL) *[]string { return &s.Tables },
			"The tables that are allowed: `schema.table` or `table`. Default: all but the system's own."),
		key("functions", names("a function"), func(s *validate.SQL) *[]string { return &s.Functions },
			"The functions that are allowed, in place of the built-in harmless ones; `default` stands for those."),
		key("max_bytes", size(1, 1<<20), func(s *validate.SQL) *int { return &s.MaxBytes },
			"The most bytes of the text. Default: `16KiB`."),
	)
}

func urlKind() kind[validate.URL] {
	return object("a url validator", nil, nil,
		must(key("hosts", list(text("a host"), false), func(u *validate.URL) *[]string { return &u.Hosts },
			"The hosts that are allowed.")),
		key("schemes", list(text("a scheme"), false), func(u *validate.URL) *[]string { return &u.Schemes },
			"The schemes that are allowed. Default: `https`."),
		key("ports", list(integer(1, 65535), false), func(u *validate.URL) *[]int { return &u.Ports },
			"The ports that are allowed. Default: the scheme's own."),
	)
}

func rangeKind() kind[validate.Range] {
	check := func(d *decoder, at Pos, r *validate.Range) {
		if r.Min == "" && r.Max == "" {
			d.failAt(at, "a range needs min, max or both")
		}
	}
	return object("a range", nil, check,
		key("min", number(), func(r *validate.Range) *string { return &r.Min },
			"The least number that is allowed."),
		key("max", number(), func(r *validate.Range) *string { return &r.Max },
			"The greatest number that is allowed."),
	)
}

var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// number reads a number as JSON writes it, without loss.
func number() kind[string] {
	const name = "a number"
	return scalar(name, map[string]any{"type": "number"}, func(d *decoder, n ast.Node, out *string) {
		switch n := n.(type) {
		case *ast.IntegerNode, *ast.FloatNode:
			if t := n.GetToken().Value; jsonNumber.MatchString(t) {
				*out = t
				return
			}
			d.fail(n, "%s is read in more than one way: write a number as JSON does, such as 15 or 1.5", d.show(n))
		default:
			d.mismatch(n, name)
		}
	})
}

// value reads a text, a number, or true or false.
func value() kind[any] {
	const name = "a text, a number, or true or false"
	return scalar(name, map[string]any{"type": []string{"string", "number", "boolean"}}, func(d *decoder, n ast.Node, out *any) {
		switch t := n.(type) {
		case *ast.IntegerNode, *ast.FloatNode:
			var v string
			number().decode(d, n, &v)
			*out = json.Number(v)
		case *ast.BoolNode:
			var v bool
			boolean().decode(d, n, &v)
			*out = v
		case *ast.StringNode:
			switch strings.ToLower(t.Value) {
			case "yes", "no", "on", "off":
				if t.GetToken().Type.String() == "String" {
					d.fail(n, "%s is a text to some readers and true or false to others: put it in quotes", d.show(n))
					return
				}
			}
			if interpolation.MatchString(t.Value) {
				plain(d, n, name)
				return
			}
			*out = t.Value
		default:
			d.mismatch(n, name)
		}
	})
}
