package scan

import (
	"fmt"
	"regexp/syntax"
	"strings"
)

const (
	maxWidth   = 2048 // bytes of a match
	maxProgram = 2000 // instructions of a rule
	minKeyword = 3
)

// compiles reports why a regular expression cannot be used.
func compiles(source string) error {
	_, err := syntax.Parse(source, syntax.Perl)
	return err
}

func refuse(id, why string) error {
	return invalid(fmt.Sprintf("The secret rule %q %s.", id, why), nil)
}

// check refuses what would make every result slow or match everywhere. RE2 does
// not go back, so nothing is exponential; what is left is what has no bound.
func check(r Rule) (*syntax.Regexp, error) {
	if r.ID == "" || strings.Trim(r.ID, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || len(r.ID) > 64 {
		return nil, refuse(r.ID, "has no name that can stand in a text. Use up to 64 lower-case letters, digits and hyphens")
	}
	parsed, err := syntax.Parse(r.Regex, syntax.Perl)
	if err != nil {
		return nil, invalid(fmt.Sprintf("The secret rule %q has a regular expression that RE2 does not take. Look-around and back references do not exist in it: leave them out, and say by a group what the secret is.", r.ID), err)
	}
	least, most := width(parsed)
	switch {
	case least == 0:
		return nil, refuse(r.ID, "matches the empty text, so it matches everywhere. Let something in it be obligatory: + or {1,64} instead of * or {0,64}")
	case most < 0:
		return nil, refuse(r.ID, "has no greatest length. Write {1,200} instead of + and {0,200} instead of *")
	case most > maxWidth:
		return nil, refuse(r.ID, fmt.Sprintf("matches up to %d bytes; the most is %d. Make its repetitions shorter", most, maxWidth))
	case len(r.Keywords) == 0:
		return nil, refuse(r.ID, "has no keyword, so it would be run over everything. "+suggestion(parsed))
	case r.Group < 0 || r.Group > parsed.MaxCap():
		return nil, refuse(r.ID, fmt.Sprintf("names group %d, and its regular expression has %d. Name one that there is, or none", r.Group, parsed.MaxCap()))
	case r.Entropy < 0 || r.Entropy >= 8:
		return nil, refuse(r.ID, "asks for an entropy that no text has. Say between 0 and 8 bits; 3 is usual")
	}
	for _, k := range r.Keywords {
		if len(k) < minKeyword {
			return nil, refuse(r.ID, fmt.Sprintf("has the keyword %q, which stands everywhere. Use one of at least %d bytes", k, minKeyword))
		}
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, refuse(r.ID, "cannot be compiled")
	}
	if n := len(program.Inst); n > maxProgram {
		return nil, refuse(r.ID, fmt.Sprintf("becomes a program of %d steps; the most is %d. Repeat less: a repetition within a repetition is written out", n, maxProgram))
	}
	return parsed, nil
}

// suggestion is a keyword that the expression itself shows.
func suggestion(parsed *syntax.Regexp) string {
	if t, ok := triggerOf(parsed); ok && len(t.words[0]) >= minKeyword && len(t.words) < 4 {
		return "Add keywords: [" + strings.Join(t.words, ", ") + "]"
	}
	return "Add keywords: words of which one always stands near the secret"
}
