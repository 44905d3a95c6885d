package audit

import (
	"regexp"
	"strings"
)

// Match returns who tells whether a record is selected, as [Query] would select
// it. Text and Limit are not looked at. An empty filter selects everything.
func (f Filter) Match() func(*Record) bool {
	glob := globbed(f.Tool)
	whole := strings.Contains(f.Tool, "/")
	return func(r *Record) bool {
		if !f.Since.IsZero() && r.Time.Before(f.Since) || !f.Until.IsZero() && !r.Time.Before(f.Until) {
			return false
		}
		for _, equal := range [][2]string{
			{f.Principal, r.Principal}, {f.Upstream, r.Upstream}, {f.Decision, r.Decision},
			{f.Code, r.Code}, {f.Session, r.Session}, {f.Call, r.Call},
		} {
			if equal[0] != "" && equal[0] != equal[1] {
				return false
			}
		}
		switch {
		case f.Tool == "":
			return true
		case whole:
			return glob(r.Upstream + "/" + r.Target)
		}
		return glob(r.Target)
	}
}

// globbed reads a pattern as SQLite's GLOB does: * is any text, ? one character,
// [a-z] one of a class and [^a-z] one of none. One that is not closed matches nothing.
func globbed(pattern string) func(string) bool {
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	for i, runes := 0, []rune(pattern); i < len(runes); i++ {
		switch c := runes[i]; c {
		case '*':
			b.WriteString(`.*`)
		case '?':
			b.WriteString(`.`)
		case '[':
			end := i + 1
			for _, skip := range []rune{'^', ']'} { // a ] that comes first is one of the class
				if end < len(runes) && runes[end] == skip {
					end++
				}
			}
			for end < len(runes) && runes[end] != ']' {
				end++
			}
			if end >= len(runes) {
				return func(string) bool { return false }
			}
			class := string(runes[i+1 : end])
			b.WriteByte('[')
			if rest, ok := strings.CutPrefix(class, "^"); ok {
				b.WriteByte('^')
				class = rest
			}
			b.WriteString(strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`, `^`, `\^`).Replace(class) + "]")
			i = end
		default:
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	re, err := regexp.Compile(b.String() + `\z`)
	if err != nil {
		return func(string) bool { return false }
	}
	return re.MatchString
}
