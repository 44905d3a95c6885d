package config

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	ostiary "github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/limit"
)

func scalar[T any](name string, schema map[string]any, decode func(d *decoder, n ast.Node, out *T)) kind[T] {
	return kind[T]{&shape{name: name, schema: schema}, decode}
}

// plain reads a text that is not empty. Interpolation is refused here: it works
// where it is documented and nowhere else.
func plain(d *decoder, n ast.Node, want string) (string, bool) {
	s, ok := rawText(d, n, want)
	if ok && interpolation.MatchString(s) {
		d.fail(n, "${…} is replaced in the values of env: and in approvals.webhook.secret only; here it would be taken as it stands")
		return "", false
	}
	return s, ok
}

func rawText(d *decoder, n ast.Node, want string) (string, bool) {
	var s string
	switch n := n.(type) {
	case *ast.StringNode:
		s = n.Value
	case *ast.LiteralNode:
		s = n.Value.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		d.fail(n, "expected %s, found %s: put it in quotes if the text is meant", want, d.describe(n))
		return "", false
	default:
		d.mismatch(n, want)
		return "", false
	}
	if strings.TrimSpace(s) == "" {
		d.fail(n, "expected %s, found an empty text", want)
		return "", false
	}
	if strings.ContainsRune(s, 0) {
		d.fail(n, "a text cannot contain NUL")
		return "", false
	}
	return s, true
}

func text(name string) kind[string] {
	return scalar(name, map[string]any{"type": "string", "minLength": 1}, func(d *decoder, n ast.Node, out *string) {
		if s, ok := plain(d, n, name); ok {
			*out = s
		}
	})
}

// checked is a text that check must accept; check's error says what to write.
func checked(name, pattern string, check func(string) error) kind[string] {
	schema := map[string]any{"type": "string", "minLength": 1}
	if pattern != "" {
		schema["pattern"] = pattern
	}
	return scalar(name, schema, func(d *decoder, n ast.Node, out *string) {
		s, ok := plain(d, n, name)
		if !ok {
			return
		}
		if err := check(s); err != nil {
			d.fail(n, "%s", messageOf(err))
			return
		}
		*out = s
	})
}

// messageOf is what a person should read of another room's error.
func messageOf(err error) string {
	var e *ostiary.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return err.Error()
}

// word is one of a few known texts.
func word(words ...string) kind[string] {
	name := orList(words)
	return scalar(name, map[string]any{"enum": words}, func(d *decoder, n ast.Node, out *string) {
		s, ok := plain(d, n, name)
		if !ok {
			return
		}
		if !slices.Contains(words, s) {
			what := "unknown word"
			if shown := d.show(n); shown != hidden {
				what += " " + shown
			}
			d.fail(n, "%s%s", what, suggest(s, words, words))
			return
		}
		*out = s
	})
}

// boolean reads true and false alone, and explains the words of YAML 1.1.
func boolean() kind[bool] {
	return scalar("true or false", map[string]any{"type": "boolean"}, func(d *decoder, n ast.Node, out *bool) {
		switch n := n.(type) {
		case *ast.BoolNode:
			if t := n.GetToken().Value; t != "true" && t != "false" {
				d.fail(n, "write true or false in small letters")
				return
			}
			*out = n.Value
			return
		case *ast.StringNode:
			switch strings.ToLower(n.Value) {
			case "yes", "on", "y":
				d.fail(n, "%s is a text in YAML 1.2: write true", d.show(n))
				return
			case "no", "off", "n":
				d.fail(n, "%s is a text in YAML 1.2: write false", d.show(n))
				return
			case "true", "false":
				d.fail(n, "%s in quotes is a text: remove the quotes", d.show(n))
				return
			}
		}
		d.mismatch(n, "true or false")
	})
}

// integer reads a whole number in plain decimal digits.
func integer(least, most int) kind[int] {
	name := fmt.Sprintf("a whole number from %d to %d", least, most)
	schema := map[string]any{"type": "integer", "minimum": least, "maximum": most}
	return scalar(name, schema, func(d *decoder, n ast.Node, out *int) {
		if _, ok := n.(*ast.IntegerNode); !ok {
			d.mismatch(n, name)
			return
		}
		t := n.GetToken().Value
		v, err := strconv.Atoi(t)
		switch {
		case !decimal.MatchString(t):
			d.fail(n, "%s is read as octal by some and as decimal by others: write a whole number in plain digits", d.show(n))
		case err != nil || v < least || v > most:
			d.fail(n, "expected %s, found %s", name, d.show(n))
		default:
			*out = v
		}
	})
}

// share is a number from 0 to 1.
func share() kind[float64] { return between("a number from 0 to 1", 0, 1) }

func between(name string, least, most float64) kind[float64] {
	return scalar(name, map[string]any{"type": "number", "minimum": least, "maximum": most}, func(d *decoder, n ast.Node, out *float64) {
		switch n.(type) {
		case *ast.IntegerNode, *ast.FloatNode:
		default:
			d.mismatch(n, name)
			return
		}
		v, err := strconv.ParseFloat(n.GetToken().Value, 64)
		if err != nil || !(v >= least && v <= most) {
			d.fail(n, "expected %s, found %s", name, d.show(n))
			return
		}
		*out = v
	})
}

// mapped turns what one kind reads into something else.
func mapped[T, U any](k kind[T], f func(T) U) kind[U] {
	return kind[U]{k.shape, func(d *decoder, n ast.Node, out *U) {
		var v T
		k.decode(d, n, &v)
		*out = f(v)
	}}
}

var (
	decimal       = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)
	sizeText      = regexp.MustCompile(`^([1-9][0-9]*)(B|KiB|MiB|GiB)?$`)
	durationText  = regexp.MustCompile(`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`)
	interpolation = regexp.MustCompile(`\$\{(env|file|exec):`)
)

// size reads bytes: 65536, 64KiB, 16MiB.
func size(least, most int) kind[int] {
	name := fmt.Sprintf("a size such as %s, from %s to %s", showSize(max(least, 64<<10)), showSize(least), showSize(most))
	schema := map[string]any{"type": []string{"integer", "string"}, "pattern": sizeText.String(), "minimum": least, "maximum": most}
	return scalar(name, schema, func(d *decoder, n ast.Node, out *int) {
		t := ""
		switch n := n.(type) {
		case *ast.IntegerNode:
			t = n.GetToken().Value
		case *ast.StringNode:
			t = n.Value
		default:
			d.mismatch(n, name)
			return
		}
		m := sizeText.FindStringSubmatch(t)
		if m == nil {
			hint := ""
			if strings.ContainsAny(t, "kKmMgG") {
				hint = " (units are B, KiB, MiB and GiB)"
			}
			d.fail(n, "expected %s, found %s%s", name, d.show(n), hint)
			return
		}
		v, err := strconv.Atoi(m[1])
		unit := map[string]int{"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}[m[2]]
		if err != nil || v > math.MaxInt/unit || v*unit < least || v*unit > most {
			d.fail(n, "expected %s, found %s", name, d.show(n))
			return
		}
		*out = v * unit
	})
}

func showSize(n int) string {
	for _, u := range []struct {
		n int
		s string
	}{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if n >= u.n && n%u.n == 0 {
			return strconv.Itoa(n/u.n) + u.s
		}
	}
	return strconv.Itoa(n) + "B"
}

// duration reads Go's syntax, units ms, s, m and h.
func duration(least, most time.Duration) kind[time.Duration] {
	name := fmt.Sprintf("a duration such as 30s, from %s to %s", showDuration(least), showDuration(most))
	schema := map[string]any{"type": "string", "pattern": durationText.String()}
	return scalar(name, schema, func(d *decoder, n ast.Node, out *time.Duration) {
		if _, ok := n.(*ast.IntegerNode); ok {
			if shown := d.show(n); shown != hidden {
				d.fail(n, "expected %s, found %s without a unit: write %[2]ss for seconds", name, shown)
			} else {
				d.fail(n, "expected %s, found a number without a unit: write an s behind it for seconds", name)
			}
			return
		}
		s, ok := plain(d, n, name)
		if !ok {
			return
		}
		v, err := time.ParseDuration(s)
		if err != nil || !durationText.MatchString(s) || v < least || v > most {
			d.fail(n, "expected %s, found %s", name, d.show(n))
			return
		}
		*out = v
	})
}

func showDuration(v time.Duration) string {
	s := v.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// rate reads what package limit calls a rate. What it is counted for is set by
// whoever holds it.
func rate() kind[ostiary.RateLimit] {
	const name = "a rate such as 30/min"
	schema := map[string]any{"type": "string", "pattern": `^[1-9][0-9]*/(s|sec|min|h|hour|day)$`}
	return scalar(name, schema, func(d *decoder, n ast.Node, out *ostiary.RateLimit) {
		if _, ok := n.(*ast.IntegerNode); ok {
			d.fail(n, "expected %s, found %s without a period: write a slash and s, min, h or day behind it", name, d.describe(n))
			return
		}
		s, ok := plain(d, n, name)
		if !ok {
			return
		}
		r, err := limit.ParseRate(s)
		if err != nil {
			d.fail(n, "%s", messageOf(err))
			return
		}
		out.Count, out.Period = r.Count, r.Period
	})
}

func effect() kind[ostiary.Effect] {
	var words []string
	for e := ostiary.EffectRead; e <= ostiary.EffectSpend; e++ {
		words = append(words, e.String())
	}
	k := word(words...)
	return kind[ostiary.Effect]{k.shape, func(d *decoder, n ast.Node, out *ostiary.Effect) {
		var s string
		if k.decode(d, n, &s); s == "" {
			return
		}
		if err := out.UnmarshalText([]byte(s)); err != nil {
			d.fail(n, "%s", err)
		}
	}}
}

// path reads a file name: "~/" is the home of the operating system's user, and
// a relative name is relative to the file. The result is absolute and clean.
func path() kind[string] {
	const name = "a path"
	return scalar(name, map[string]any{"type": "string", "minLength": 1}, func(d *decoder, n ast.Node, out *string) {
		if s, ok := plain(d, n, name); ok {
			*out = d.absolute(n, s)
		}
	})
}

func (d *decoder) absolute(n ast.Node, s string) string {
	switch {
	case len(s) > 4096:
		d.fail(n, "a path has at most 4096 bytes")
		return ""
	case s == "~" || strings.HasPrefix(s, "~/"):
		home, err := d.o.home()
		if err != nil {
			d.fail(n, "%s: the home directory of the user is not known: write an absolute path", d.show(n))
			return ""
		}
		return filepath.Join(home, s[1:])
	case s[0] == '~':
		d.fail(n, "%s: only ~/ is known, the home of the user that runs the door: write an absolute path", d.show(n))
		return ""
	case filepath.IsAbs(s):
		return filepath.Clean(s)
	}
	return filepath.Join(d.dir, s)
}
