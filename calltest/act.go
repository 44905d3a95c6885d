package calltest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// act is one line of a script.
type act struct {
	line  int
	text  string // as it stands
	verb  string
	words []string // behind the verb that are no flags
	flags map[string]string
	life  time.Duration // of later, and of --for
	uses  int
}

// verb is what an act may say behind its first word.
type verb struct {
	name  string
	words string // what they are, "" where there are none
	flags []string
}

var (
	scopeFlags = []string{"all", "principal", "tool", "upstream", "session"}
	verbs      = []verb{
		{name: "approve"},
		{name: "deny", words: "why, as the agent is told it"},
		{name: "grant", flags: []string{"principal", "tool", "when", "uses", "for", "session", "token", "reason"}},
		{name: "revoke", flags: []string{"reason"}},
		{name: "freeze", flags: append(slices.Clone(scopeFlags), "reason")},
		{name: "unfreeze", flags: append(slices.Clone(scopeFlags), "reason")},
		{name: "accept", words: "a server, or one of its tools as UPSTREAM/TOOL"},
		{name: "later", words: "a time such as 5m"},
		{name: "restart", flags: []string{"principal", "upstream", "policy", "tools"}},
		{name: "write", words: "a file of ws and its text"},
	}
	// bare are flags without a value.
	bare = []string{"all", "token"}
)

// maxLater bounds the act later.
const maxLater = 365 * 24 * time.Hour

func (p *parser) act(a *act, words []string) error {
	a.verb = words[0]
	i := slices.IndexFunc(verbs, func(v verb) bool { return v.name == a.verb })
	if i < 0 {
		return fmt.Errorf("unknown act %s: %s", brief(a.verb), meant(a.verb, verbNames()))
	}
	v := verbs[i]
	for words = words[1:]; len(words) > 0; words = words[1:] {
		flag, isFlag := strings.CutPrefix(words[0], "--")
		if !isFlag || len(v.flags) == 0 {
			a.words = append(a.words, words[0])
			continue
		}
		name, value, given := strings.Cut(flag, "=")
		_, twice := a.flags[name]
		switch {
		case !slices.Contains(v.flags, name):
			return fmt.Errorf("%s has no flag %s: %s", v.name, brief("--"+name), meant("--"+name, dashed(v.flags)))
		case twice:
			return fmt.Errorf("%s has --%s twice", v.name, name)
		case slices.Contains(bare, name):
			if given {
				return fmt.Errorf("--%s has no value", name)
			}
		case !given && len(words) == 1:
			return fmt.Errorf("--%s needs a value", name)
		case !given:
			words = words[1:]
			value = words[0]
		}
		a.flags[name] = value
	}
	if len(a.words) > 0 && v.words == "" {
		next := "put a text with spaces between quotation marks"
		if len(v.flags) == 0 {
			next = "it stands alone"
		}
		return fmt.Errorf("%s does not take the word %s: %s", v.name, brief(a.words[0]), next)
	}
	return p.values(a)
}

// values checks what an act says as far as that can be seen in the text alone.
func (p *parser) values(a *act) (err error) {
	switch a.verb {
	case "accept":
		if len(a.words) != 1 {
			return errors.New("accept takes what changed: UPSTREAM or UPSTREAM/TOOL")
		}
	case "later":
		if len(a.words) == 1 {
			a.life, err = time.ParseDuration(a.words[0])
		}
		if err != nil || a.life <= 0 || a.life > maxLater {
			return errors.New("later takes how much: a time such as 90s, 5m or 2h")
		}
	case "grant":
		if a.flags["tool"] == "" {
			return errors.New("grant needs what it is for: add --tool UPSTREAM/TOOL")
		}
		if text, given := a.flags["uses"]; given {
			if a.uses, err = strconv.Atoi(text); err != nil || a.uses < 1 {
				return fmt.Errorf("--uses is a number of calls, 1 or more, not %s", brief(text))
			}
		}
		if text, given := a.flags["for"]; given {
			if a.life, err = time.ParseDuration(text); err != nil || a.life <= 0 {
				return fmt.Errorf("--for is a time such as 90s or 5m, not %s", brief(text))
			}
		}
	case "freeze", "unfreeze":
		n := 0
		for _, name := range scopeFlags {
			if _, given := a.flags[name]; given {
				n++
			}
		}
		if n != 1 {
			return fmt.Errorf("%s needs one of %s", a.verb, strings.Join(dashed(scopeFlags), ", "))
		}
	case "restart":
		if name, given := a.flags["upstream"]; given && (name == "" || strings.ContainsAny(name, "/* ")) {
			return fmt.Errorf("%s cannot name a server: it has no slash, star or space", brief(name))
		}
		for _, name := range []string{"policy", "tools"} {
			if file, given := a.flags[name]; given {
				if !strings.HasPrefix(file, name) {
					return fmt.Errorf("--%s is a section such as %[1]s-other%s, not %s", name, map[string]string{"policy": ".yaml", "tools": ".json"}[name], brief(file))
				}
				p.used[file] = append(p.used[file], a.line)
			}
		}
	case "write":
		if len(a.words) != 2 || !inWorkspace(a.words[0]) {
			return errors.New("write takes a file below ws/ and its new text: write ws/notes.txt \"other words\"")
		}
	}
	return nil
}

// split takes a line apart as a shell does, with '…' and "…" around spaces. In
// "…" a backslash stands before " and \.
func split(line string) (words []string, err error) {
	var word strings.Builder
	started, quote := false, rune(0)
	escaped := false
	for _, r := range line {
		switch {
		case escaped:
			if r != '"' && r != '\\' {
				word.WriteByte('\\')
			}
			word.WriteRune(r)
			escaped = false
		case quote == '"' && r == '\\':
			escaped = true
		case r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, started = r, true
		case r == ' ' || r == '\t':
			if started {
				words = append(words, word.String())
			}
			word.Reset()
			started = false
		default:
			word.WriteRune(r)
			started = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("the quotation mark %c has no end", quote)
	}
	if started {
		words = append(words, word.String())
	}
	return words, nil
}

func verbNames() (names []string) {
	for _, v := range verbs {
		names = append(names, v.name)
	}
	return names
}

func dashed(names []string) (all []string) {
	for _, n := range names {
		all = append(all, "--"+n)
	}
	return all
}
