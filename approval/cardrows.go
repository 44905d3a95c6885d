package approval

import (
	"fmt"

	"github.com/ostiary/ostiary/internal/visible"
)

// A card is no wider than a terminal, which would wrap what is longer itself, at a
// place that whoever wrote the text can choose, and without a bar.
const (
	blockColumns = 72 // behind a bar of four
	lineColumns  = 68 // behind a name of eleven
)

// unseen is how many bytes do not fit on a card.
type unseen struct{ args, beside, preview int }

// Unseen is how many bytes of the arguments, of what the server gets beside them and
// of the preview [Card] does not show.
func Unseen(r Request) int {
	b := &card{extent: onCard}
	b.what(&r)
	return b.args + b.unseen.beside + b.preview
}

// missing says at the top what is not shown further down, and where it is.
func (b *card) missing(r *Request, u unseen) {
	tell := func(n int, what, flag string) {
		if n > 0 {
			b.line("NOT SHOWN", fmt.Sprintf("%d bytes of %s; all of it: ostiary approvals show%s %s %s", n, what, r.flags, r.ID, flag))
		}
	}
	tell(u.args, "the arguments", "--arguments")
	tell(u.beside, "what stands beside the arguments", "--json")
	tell(u.preview, "the preview", "--json")
}

// line shows a name of ours and a text, which goes on behind a broken bar.
func (b *card) line(name, text string) {
	if text == "" {
		return
	}
	rows, _ := visible.Wrap(visible.Line(text, b.extent.line), visible.Extent{Columns: lineColumns, Rows: b.extent.line, Bytes: 64 << 10, Words: true})
	for i, row := range rows {
		if i > 0 {
			name = "         ¦"
		}
		fmt.Fprintf(b, "%-11s%s\n", name, row.Text)
	}
}

// block shows many lines, each behind a bar and what it goes on with behind a broken
// one, so that none passes for ours. It returns how many bytes of the text it left out.
func (b *card) block(name, text string) (left int) {
	b.WriteString(name + "\n")
	rows, left := visible.Wrap(text, visible.Extent{Columns: blockColumns, Rows: b.lines, Bytes: b.bytes})
	for _, row := range rows {
		bar := "  | "
		if row.Goes {
			bar = "  ¦ "
		}
		b.WriteString(bar + row.Text + "\n")
	}
	if left > 0 {
		fmt.Fprintf(b, "  … (%d more bytes are not shown)\n", left)
	}
	return left
}
