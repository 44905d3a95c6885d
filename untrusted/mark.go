package untrusted

import (
	"bytes"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// MetaMark is the key in _meta under which a result says that it comes from an
// untrusted source: {"source", "style", "id"}, the id being that of its fences.
const MetaMark = "ostiary/untrusted"

// mark puts the mark around the texts, and into _meta. Structured content stays as
// it is; where no text beside it says what it is, a text of the door's own does.
func (p *pass) mark() error {
	if p.style == StyleOff || len(p.texts) == 0 && !p.structured && !p.nested && !p.unnamed {
		return nil
	}
	nonce, err := p.f.nonce()
	if err != nil {
		return err
	}
	from := p.source()
	also := ""
	if p.structured || p.nested {
		also = " The same holds for structuredContent."
	}
	if p.unnamed {
		also += " The same holds for members that the protocol does not name."
	}
	p.fence(from, also, nonce)
	if from.what == whatError {
		return nil // an error has no _meta
	}
	return p.markResult(from, nonce)
}

// source is where the body comes from.
func (p *pass) source() source {
	from := source{what: whatResult, name: p.c.Upstream}
	if p.c.Target != "" {
		from.name += "/" + p.c.Target
	}
	if p.f.o.Redact != nil {
		from.name = p.f.o.Redact(from.name)
	}
	switch {
	case p.r.Status == ostiary.StatusRPCError:
		from.what = whatError
	case p.c.Method == "resources/read":
		from.what = whatResource
	case p.c.Method == "prompts/get", p.c.Method == "sampling/createMessage":
		from.what = whatPrompt
	case p.c.Method == "initialize", p.c.Method == "server/discover":
		from.what = whatInstructions
	case p.lists:
		from.what = whatDescription
	}
	return from
}

// inQuotes is a text as it stands inside of a JSON string.
func inQuotes(s string) []byte {
	q := wire.Quote(s)
	return q[1 : len(q)-1]
}

func (p *pass) edit(start, end int, with []byte) {
	p.edits = append(p.edits, wire.Edit{Start: start, End: end, With: with})
}

// markResult puts the mark into _meta, and a text beside structured content that
// stands alone.
func (p *pass) markResult(from source, nonce string) error {
	body := p.r.Body
	open := opening(body, 0, '{')
	if open == 0 {
		return nil
	}
	own := wire.Quote(from.name)
	own = append(append([]byte(`{"source":`), own...), `,"style":"`+p.style.String()+`","id":"`+nonce+`"}`...)
	switch {
	case p.claimed:
		raw := body[p.meta-1:]
		all, err := wire.ReadMembers(raw)
		if err != nil {
			return err
		}
		p.edits = append(p.edits, all.Edits(p.meta-1, func(string) bool { return false }, []wire.Setting{{Name: MetaMark, Value: own}})...)
	case p.meta > 0:
		p.insert(p.meta, append([]byte(`"`+MetaMark+`":`), own...))
	case p.meta == 0:
		p.insert(open, append(append([]byte(`"_meta":{"`+MetaMark+`":`), own...), '}'))
	}
	if (p.structured || p.unnamed) && len(p.texts) == 0 {
		where := "structuredContent"
		switch {
		case p.structured && p.unnamed:
			where += " and in members that the protocol does not name"
		case p.unnamed:
			where = "members that the protocol does not name"
		}
		head, tail := StyleFence.around(from, "", nonce)
		block := append([]byte(`{"type":"text","text":`), wire.Quote(head+"It stands in "+where+"."+tail)...)
		switch block = append(block, '}'); {
		case p.content > 0:
			p.insert(p.content, block)
		case p.content == 0 && (p.structured || from.what == whatResult && !p.waits):
			p.insert(open, append(append([]byte(`"content":[`), block...), ']'))
		}
	}
	return nil
}

// insert puts an entry at the beginning of an object or array.
func (p *pass) insert(at int, entry []byte) {
	if rest := bytes.TrimLeft(p.r.Body[at:], " \t\r\n"); len(rest) > 0 && rest[0] != '}' && rest[0] != ']' {
		entry = append(entry, ',')
	}
	p.edit(at, at, entry)
}

// conforms withholds an answer in whose structured content something was shown that
// hid, if that does not fit the tool's output schema any more: to let it pass as it
// came would hide it, and clients take no other.
func (p *pass) conforms(body []byte) error {
	if !p.shownInData || p.c.OutputSchema == nil || p.r.Status == ostiary.StatusRPCError {
		return nil
	}
	fits := p.fits(body)
	if inner, ok := wire.Member(body, "result"); ok && p.nested { // of a task, in revision 2026-07-28
		fits = fits && p.fits(inner)
	}
	if fits {
		return nil
	}
	return &ostiary.Error{Code: ostiary.CodeRedactSchema,
		Message: "the answer has hidden characters in structuredContent and does not fit the tool's output schema with them made visible, so it was withheld; the call itself was carried out: do not repeat it for this"}
}

// fits reports whether what a result has of structured content is as the schema says.
func (p *pass) fits(result []byte) bool {
	content, ok := wire.Member(result, "structuredContent")
	return !ok || p.f.o.Conforms != nil && p.f.o.Conforms(p.c.OutputSchema, content)
}
