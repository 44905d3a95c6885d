package preview

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	maxLines = 200
	maxBytes = 64 << 10
	maxLine  = 2000 // bytes of one line
)

// page collects lines up to the bounds and counts the others.
type page struct {
	b     strings.Builder
	lines int
	more  int // lines that found no room
}

func (p *page) line(s string) {
	if p.lines == maxLines || p.b.Len()+min(len(s), maxLine) > maxBytes {
		p.more++
		p.lines = maxLines // what follows a gap is not shown either
		return
	}
	p.lines++
	if len(s) > maxLine {
		cut := maxLine
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = fmt.Sprintf("%s … (%d more bytes on this line)", s[:cut], len(s)-cut)
	}
	p.b.WriteString(s)
	p.b.WriteByte('\n')
}

func (p *page) String() string {
	if p.more == 0 {
		return p.b.String()
	}
	return p.b.String() + fmt.Sprintf("… %s not shown\n", count(int64(p.more), "more line is", "more lines are"))
}

// count says a number with its word.
func count(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func bytesOf(n int64) string { return count(n, "byte", "bytes") }

// quoted is a name on one line, everything unusual escaped.
func quoted(name string) string {
	const most = 300
	if len(name) > most {
		return fmt.Sprintf("%q… (%d bytes)", name[:most], len(name))
	}
	return fmt.Sprintf("%q", name)
}
