package wire

import (
	"cmp"
	"slices"
	"strings"
	"unsafe"

	"github.com/ostiary/ostiary"
)

// Edit replaces the bytes Start to End (exclusive) by With. Start equal to End
// inserts.
type Edit struct {
	Start, End int
	With       []byte
}

// Splice returns a copy of raw with the edits made and every other byte as it
// was. The edits come in any order; of several insertions at one place the
// earlier in the list comes first. Edits that overlap or lie outside raw are an
// error, and raw then is not copied. Splice does not check that the outcome is
// JSON.
func Splice(raw []byte, edits ...Edit) ([]byte, error) {
	if !slices.IsSortedFunc(edits, byStart) {
		edits = slices.Clone(edits)
		slices.SortStableFunc(edits, byStart)
	}
	size, last := len(raw), 0
	for _, e := range edits {
		if e.Start < last || e.End < e.Start || e.End > len(raw) {
			return nil, refuse(ostiary.CodeInternal, "the door could not rewrite the message and refused it")
		}
		size += len(e.With) - (e.End - e.Start)
		last = e.End
	}
	if size == 0 {
		return []byte{}, nil
	}
	var out strings.Builder // which does not clear what is written anyway
	out.Grow(size)
	last = 0
	for _, e := range edits {
		out.Write(raw[last:e.Start])
		out.Write(e.With)
		last = e.End
	}
	out.Write(raw[last:])
	return unsafe.Slice(unsafe.StringData(out.String()), size), nil // nobody else has the string
}

func byStart(a, b Edit) int { return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End)) }
