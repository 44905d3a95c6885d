package redact

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// pass is one answer on its way through the filter.
type pass struct {
	*search
	f        *Filter
	c        *ostiary.Call
	r        *ostiary.Result
	override string // the mode that the rule of the call orders
	limit    int

	body    []byte
	reading *wire.Reading
	out     []byte // what replaces body, as far as it was read
	done    int    // body[:done] is in out
	unread  bool   // reading does not know of all that is in out
	swept   []byte // what came of body, if reading knows
	keys    int    // how many keys were replaced
	// blocked is the first rule that withholds the answer.
	blocked string
	scoped  bool // the body says who may keep it
	again   bool // what is found was noted already
	total   int  // how long all texts together were before they were cut
}

// sweep replaces the secrets in a body; it returns body itself if there are none.
func (p *pass) sweep(body []byte) ([]byte, error) {
	p.body, p.out, p.done, p.unread, p.swept = body, nil, 0, false, nil
	words := wordsAhead{search: p.search, body: body}
	var keys keysOver
	var named pairs
	w := wire.Texts(body)
	for w.Read(p.reading); w.Next(); {
		start, end := w.Start()+1, w.End()-1
		inside := borrow(body[start:end])
		l := lookInside(inside, w.Seen())
		long := len(inside) >= leastLong && !w.IsKey() // searched as it is decoded, and only then
		hit := long || words.in(start, end)
		name := ""
		if w.IsKey() {
			p.scoped = p.scoped || w.Depth() == 1 && string(w.Plain()) == "cacheScope"
			if hit || l != 0 {
				name = p.name(string(w.Plain()))
			}
			keys.set(w.Depth(), name)
			name = ""
		} else {
			if name = keys.over(&w); name == "" {
				name = named.of(&w)
			}
			if (hit || l != 0) && isName(&w) {
				named.set(&w, p.name(string(w.Plain())))
			}
		}
		if !hit && l == 0 && name == "" && len(inside) < leastRun {
			continue
		}
		if isBinary(&w, body, inside) || !hit && l == 0 && name == "" && !p.conceals(inside) {
			continue
		}
		mark := len(p.arena)
		p.literal(&w, inside, l, hit, name)
		p.drop(mark) // what was replaced is copied to out
	}
	if p.blocked != "" {
		return nil, p.withholds()
	}
	if p.out == nil {
		return body, nil
	}
	out := append(p.out, body[p.done:]...)
	if !p.unread {
		p.swept = out
	}
	if p.keys > 0 && twins(out) {
		return nil, p.withholds()
	}
	return out, nil
}

// name is what a key means to a reader.
func (p *pass) name(name string) string {
	if lookAt(name, false)&lookHidden != 0 {
		b, _ := view{0x1b, stringOne}.undo(p.arena, name)
		name = p.visible(p.decoded(b, len(p.arena)))
	}
	return name
}

// judge notes what was found and returns what of it is to be replaced, in order and
// without overlaps.
func (p *pass) judge(found []secret, w *wire.TextWalk, again bool) []secret {
	if len(found) == 0 {
		return nil
	}
	inOrder(found)
	cut := found[:0]
	pointer := ""
	var last secret
	var did string
	for _, s := range found {
		mode := p.f.o.Modes[s.rule]
		if mode == ModeOff {
			continue
		}
		own := p.f.own[s.rule]
		switch {
		case own:
			mode = ModeRedact
		case p.override != "":
			mode = p.override
		}
		if pointer == "" {
			pointer = p.pointer(w)
		}
		value := p.hash(s.plain)
		action := "redacted"
		switch {
		case !own && p.f.o.Allowed != nil && p.f.o.Allowed(p.c.Upstream, Subject(p.c), pointer, s.rule, value):
			action = "excepted"
		case mode == ModeReport:
			action = "reported"
		case mode == ModeBlock:
			action = "blocked"
		}
		twin := did == action && s.end <= last.end
		if !twin {
			last, did = s, action
		}
		if !again && !p.again && !twin {
			p.r.Find(ostiary.Finding{Stage: p.f.Name(), Rule: s.rule, Pointer: pointer, Start: s.start, End: s.end, Action: action, Value: value})
		}
		switch action {
		case "blocked":
			if p.blocked == "" {
				p.blocked = s.rule
			}
		case "redacted":
			cut = append(cut, s)
		}
	}
	return joined(cut)
}

// pointer is that of a literal. A key on the way may be a secret itself.
func (p *pass) pointer(w *wire.TextWalk) string {
	pointer := w.Pointer()
	if p.speaks(pointer) {
		if found := p.within(nil, pointer, 0, true, 0); len(found) > 0 {
			pointer = string(masked(nil, pointer, joined(found)))
		}
	}
	return pointer
}

// hash names a value without telling it.
func (p *pass) hash(value string) string {
	p.mac.Reset()
	p.mac.Write(lend(value))
	var sum [sha256.Size]byte
	return hex.EncodeToString(p.mac.Sum(sum[:0])[:16])
}

// withholds is the refusal of an answer that a rule keeps back.
func (p *pass) withholds() error {
	if p.blocked == "" {
		return &ostiary.Error{Code: ostiary.CodeRedactSecret,
			Message: "the answer was withheld: secrets stand where names should, and without them it cannot be read; " +
				"ask for less, or ask the operator to look at the findings in the audit log"}
	}
	return &ostiary.Error{Code: ostiary.CodeRedactSecret,
		Message: "the answer holds a secret of the kind " + p.blocked + " and was withheld; the call itself was carried out, so do not repeat it: " +
			"ask for something without the secret, or ask the operator for an exception"}
}
