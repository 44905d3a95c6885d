package visible

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Extent is how much Wrap shows: columns of a row, rows in all, bytes in all.
type Extent struct {
	Columns, Rows, Bytes int
	// Words says that rows end between words where that is near.
	Words bool
}

// Row is one row on a terminal.
type Row struct {
	Text string
	// Goes says that it goes on with the line of the row before.
	Goes bool
}

const (
	spacesMost = 4  // in a row that stand as they are
	indentMost = 32 // the same at the beginning of a line
)

// Wrap returns s as in [Block] on rows that are no wider than e says, so that a
// terminal does not wrap them by itself, and how many bytes of s are left out. More
// than a few spaces in a row are counted instead, as in ␣×74: they would push what
// follows out of sight. What East Asian type draws two columns wide counts as two.
func Wrap(s string, e Extent) (rows []Row, left int) {
	s = strings.TrimSuffix(s, "\n")
	if e.Rows < 1 {
		return nil, len(s)
	}
	var row strings.Builder
	goes, begins := false, true // a row that goes on; the line has only just begun
	column, size := 0, 0
	end := func(more bool) {
		rows = append(rows, Row{row.String(), goes})
		row.Reset()
		goes, column = more, 0
	}
	for marks := marksMost; s != ""; {
		shown, n := next(s, &marks)
		switch s[0] {
		case '\n':
			if len(rows)+1 == e.Rows {
				end(false)
				return rows, len(s)
			}
			end(false)
			begins, marks, s = true, marksMost, s[1:]
			continue
		case '\t':
			shown = "→   "
		case ' ':
			indent := 0
			if begins {
				indent = min(indentMost, e.Columns/2)
			}
			shown, n = spaces(s, indent)
		}
		begins = false
		if w := columns(shown); column > 0 && column+w > e.Columns {
			if len(rows)+1 == e.Rows {
				break
			}
			tail := ""
			if e.Words && s[0] != ' ' {
				tail = cutWord(&row)
			}
			end(true)
			row.WriteString(tail)
			column = columns(tail)
			if shown == " " && e.Words { // the end of the row stands for it
				s = s[1:]
				continue
			}
			if s[0] == '\t' {
				shown = "→"
			}
		}
		if size += len(shown); size > e.Bytes {
			break
		}
		row.WriteString(shown)
		column += columns(shown)
		s = s[n:]
	}
	end(false)
	return rows, len(s)
}

// cutWord takes the word off with which a row ends, if it is short.
func cutWord(row *strings.Builder) (word string) {
	const most = 24
	s := row.String()
	i := strings.LastIndexByte(s, ' ')
	if i < 1 || columns(s[i+1:]) > min(most, columns(s)/2) {
		return ""
	}
	row.Reset()
	row.WriteString(s[:i])
	return s[i+1:]
}

// Spaces returns s with more than a few spaces in a row counted instead, as in ␣×74.
func Spaces(s string) string {
	if !strings.Contains(s, strings.Repeat(" ", spacesMost+1)) {
		return s
	}
	var b strings.Builder
	for s != "" {
		i := strings.IndexByte(s, ' ')
		if i < 0 {
			i = len(s)
		}
		b.WriteString(s[:i])
		if s = s[i:]; s != "" {
			shown, n := spaces(s, 0)
			b.WriteString(shown)
			s = s[n:]
		}
	}
	return b.String()
}

// spaces returns what stands for the spaces that s begins with, and how many. So many
// as indent may stand before something.
func spaces(s string, indent int) (shown string, n int) {
	n = len(s) - len(strings.TrimLeft(s, " "))
	if n <= spacesMost || n <= indent && n < len(s) && s[n] != '\n' {
		return s[:n], n
	}
	return fmt.Sprintf("␣×%d", n), n
}

// columns is how wide a text is at most that is fit to be shown.
func columns(s string) (n int) {
	for _, r := range s {
		n += width(r)
	}
	return n
}

// width is the number of columns of a rune; see UAX #11. Where a block has wide and
// narrow ones all count as wide, which only makes rows shorter.
func width(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case r >= 0x1100 && r <= 0x115f, // Hangul
		r >= 0x231a && r <= 0x23ff, r >= 0x25fd && r <= 0x27bf, r >= 0x2b00 && r <= 0x2bff, // signs
		r >= 0x2e80 && r <= 0xa4cf,                             // Han, Kana, Yi
		r >= 0xa960 && r <= 0xa97f, r >= 0xac00 && r <= 0xd7ff, // Hangul
		r >= 0xf900 && r <= 0xfaff, r >= 0xfe10 && r <= 0xfe6f, r >= 0xff00 && r <= 0xffe6,
		r >= 0x16fe0 && r <= 0x1b2ff, r >= 0x1d300 && r <= 0x1d37f, r >= 0x1f000 && r <= 0x1faff, // Tangut, emoji
		r >= 0x20000 && r <= 0x3fffd, r == utf8.RuneError:
		return 2
	}
	return 1
}
