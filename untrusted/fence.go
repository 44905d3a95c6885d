package untrusted

// What marks may add to a result: so many texts have a fence each with all of its
// words, which is some 240 bytes. Of more texts, those that stand side by side as
// blocks share one until they have so many bytes together; what else there is has a
// fence with its name and no words.
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
	for i := 0; i < len(p.texts); {
		first, size, next := p.texts[i], p.texts[i].size, i+1
		for next < len(p.texts) && first.block && p.texts[next].block && !p.annotated && size < sharedBytes {
			size += p.texts[next].size
			next++
		}
		with := whole
		switch {
		case next > i+1:
			with = shared
		case i >= wordyMost && size < sharedBytes:
			with = brief
		}
		p.edits[first.head].With, p.edits[p.texts[next-1].tail].With = with, end
		i = next
	}
}

// inBlock reports whether the string at which the walk is is the text of a block of
// the result's own list, so that a reader has what stands before it and behind: a
// block that says whom it is for may be left out.
func (p *pass) inBlock() bool {
	if p.w.Depth() != 3 {
		return false
	}
	list, _ := p.w.Step(1)
	item, _ := p.w.Step(2)
	text, _ := p.w.Step(3)
	return item == nil && string(text) == "text" && (string(list) == "content" || string(list) == "contents")
}
