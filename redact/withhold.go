package redact

import (
	"bytes"
	"fmt"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// MetaWithheld is the key in the _meta of a result that tells what was left out of it
// and why, as {"structuredContent": CODE}.
const MetaWithheld = "ostiary/withheld"

const (
	structured = "structuredContent"
	// textRunes is as much of a text as the record needs.
	textRunes = 4 * 256
)

// treat is the whole way of a body through the filter.
func (p *pass) treat(body []byte) ([]byte, error) {
	out, err := p.sweep(body)
	if err != nil {
		return nil, err
	}
	out = p.conform(body, out)
	for range 4 {
		cut, did := p.bound(out)
		if !did {
			break
		}
		// What is cut may look like another secret at its new end.
		p.again = true
		if out, err = p.sweep(cut); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// conform withholds structured content that does not fit the tool's output schema any
// more.
func (p *pass) conform(before, after []byte) []byte {
	if p.c.OutputSchema == nil || p.r.Status == ostiary.StatusRPCError || same(before, after) {
		return after
	}
	return p.onResults(after, func(result []byte, pointer string) []byte {
		was := before
		if m, ok := p.inner(before); pointer != "" && ok {
			was = before[m.value:m.end]
		}
		return p.conformed(was, result, pointer)
	})
}

// conformed is conform for one result.
func (p *pass) conformed(before, after []byte, pointer string) []byte {
	now, ok := member(after, structured)
	if !ok {
		return after
	}
	content := after[now.value:now.end]
	if was, ok := member(before, structured); ok && bytes.Equal(before[was.value:was.end], content) {
		return after
	}
	if p.f.o.Conforms != nil && p.f.o.Conforms(p.c.OutputSchema, content) {
		return after
	}
	p.note("output_schema", pointer+"/"+structured)
	return p.withhold(after, ostiary.CodeRedactSchema, "structured content was left out: a secret in it was redacted, and what was left does not fit the tool's output schema")
}

// withhold leaves structured content out and says so where people and programs look.
// A tool that declares an output schema owes structured content unless it failed, and
// clients hold it to that; so the result says that it did.
func (p *pass) withhold(body []byte, why ostiary.Code, what string) []byte {
	body = without(body, structured)
	meta := []byte("{}")
	if m, ok := member(body, "_meta"); ok && body[m.value] == '{' {
		meta = body[m.value:m.end]
	}
	body = with(body, "_meta", with(meta, MetaWithheld, fmt.Appendf(nil, `{"%s":"%s"}`, structured, why)))
	text := "[ostiary: " + what + ".]"
	if p.c.OutputSchema != nil {
		body = with(body, "isError", []byte("true"))
		text = "[ostiary: " + what + ". The call itself was carried out; do not repeat it for this.]"
	}
	block := append(append([]byte(`{"type":"text","text":`), wire.Quote(text)...), '}')
	m, ok := member(body, "content")
	if !ok || body[m.value] != '[' {
		return with(body, "content", append(append([]byte{'['}, block...), ']'))
	}
	if rest := bytes.TrimLeft(body[m.value+1:m.end], blanks); len(rest) > 0 && rest[0] != ']' {
		block = append(block, ',')
	}
	return replaced(body, m.value+1, m.value+1, block)
}

// note adds a finding that is no secret.
func (p *pass) note(rule, pointer string) {
	p.r.Find(ostiary.Finding{Stage: p.f.Name(), Rule: rule, Pointer: pointer, Action: "withheld"})
}

// release puts what is left into the result. What was changed for one caller must not
// be kept for others.
func (p *pass) release(body []byte) {
	if same(p.r.Body, body) {
		return
	}
	if p.scoped {
		if m, ok := member(body, "cacheScope"); ok && string(body[m.value:m.end]) == `"public"` {
			body = replaced(body, m.value, m.end, []byte(`"private"`))
		}
	}
	p.r.Body = body
	if p.r.Text != "" {
		p.r.Text = wire.Text(body, textRunes)
	}
}

// same reports whether two slices are one.
func same(a, b []byte) bool { return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0]) }
