package untrusted

import (
	"bytes"

	"github.com/ostiary/ostiary/wire"
)

// What marks may add to a result: so many texts have a fence each with all of its
// words, which is some 240 bytes. Of more texts, those that stand side by side as
// blocks share one until they have so many bytes together; of what else there is, so
// many have the words, blocks and others by themselves, and the rest a fence with its
// name.
const (
	wordyMost   = 8
	sharedBytes = 1 << 10
)

// fence puts the marks around the texts.
func (p *pass) fence(from source, also, nonce string) {
	if len(p.texts) == 0 {
		return
	}
	head, tail := p.style.around(from, also, nonce)
	whole, end := inQuotes(head), inQuotes(tail)
	if len(p.texts) <= wordyMost {
		for _, t := range p.texts {
			p.edits[t.head].With, p.edits[t.tail].With = whole, end
		}
		return
	}
	head, _ = p.style.around(from, also+" It goes on over more than one text, to the line with this id.", nonce)
	shared, brief := inQuotes(head), inQuotes(p.style.brief(nonce))
	var blocks, others int // that have the words
	for i := 0; i < len(p.texts); {
		first, size, next := p.texts[i], p.texts[i].size, i+1
		block, said := p.shows(first), &others
		for next < len(p.texts) && block && !p.annotated && size < sharedBytes && p.shows(p.texts[next]) {
			size += p.texts[next].size
			next++
		}
		if block {
			said = &blocks
		}
		with := whole
		switch *said++; {
		case next > i+1:
			with = shared
		case *said > wordyMost && size < sharedBytes:
			with = brief
		}
		p.edits[first.head].With, p.edits[p.texts[next-1].tail].With = with, end
		i = next
	}
}

// block is where the block begins whose text the string is at which the walk is, in the
// result's own list; -1 if it is none of those.
func (p *pass) block() int {
	if p.w.Depth() != 3 {
		return -1
	}
	list, _ := p.w.Step(1)
	item, _ := p.w.Step(2)
	text, _ := p.w.Step(3)
	if item != nil || string(text) != "text" || string(list) != "content" {
		return -1
	}
	at, _, _ := p.w.Container()
	return at
}

// shows reports whether every reader of the list shows a text, so that what stands
// before it and behind does not get lost: of a block that is no text, nobody shows it.
func (p *pass) shows(t literal) bool {
	if t.block < 0 {
		return false
	}
	block := p.r.Body[t.block:]
	if bytes.HasPrefix(block, []byte(`{"type":"text",`)) { // as nearly always
		return true
	}
	kind, ok := wire.Member(block, "type")
	return ok && string(kind) == `"text"`
}

// mayHide reports whether the name of a member of a block says that a reader may leave
// the block out: for whom it is, and its kind in a way that only some read.
func (p *pass) mayHide(raw []byte) bool {
	switch len(p.k.text) {
	case len("annotations"):
		return bytes.EqualFold(p.k.text, []byte("annotations"))
	case len("type"):
		return string(raw) != `"type"` && bytes.EqualFold(p.k.text, []byte("type"))
	}
	return false
}
