package untrusted

import (
	"fmt"
	"strings"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// pass is the way of one body through the filter.
type pass struct {
	f     *Filter
	c     *ostiary.Call
	r     *ostiary.Result
	style Style
	lists bool // the body is a list

	answers bool // a model reads the body
	unnamed bool // there is text where the protocol names nothing
	waits   bool // the result is no answer yet: a task, or questions

	w     wire.TextWalk
	steps []*shape // that of each open container, the root first
	in    int      // where the innermost of them begins
	edits []wire.Edit
	texts []literal // to be marked
	// Behind the brackets of the body's own _meta and content; 0 if it has none,
	// -1 if they are something else.
	meta, content int
	claimed       bool // the server says itself what only the door may say
	structured    bool
	nested        bool // structured content in the result of a task
	shownInData   bool // something hid in a string that programs read

	withhold error
}

// literal is a string that is to be marked, and how it stands in the body.
type literal struct {
	start, end int
	calm       bool   // need not be decoded
	text       string // if not calm: sealed and revealed
	same       bool   // sealing and revealing changed nothing
}

// read looks at every string of the body.
func (p *pass) read(root *shape) {
	p.w, p.in = wire.Texts(p.r.Body), -1
	for p.w.Next() && p.withhold == nil {
		if p.w.IsKey() {
			p.key()
			continue
		}
		if s := p.shape(root); s.care != careOpaque {
			p.value(s.care)
		}
	}
}

// shape is that of the literal at which the walk is.
func (p *pass) shape(root *shape) *shape {
	depth := p.w.Depth()
	if depth == 0 {
		return root
	}
	if in, _, _ := p.w.Container(); in != p.in || len(p.steps) != depth {
		p.in, p.steps = in, append(p.steps[:0], root)
		for d := 1; d < depth; d++ {
			p.steps = append(p.steps, p.step(d))
		}
	}
	return p.step(depth)
}

func (p *pass) step(depth int) *shape {
	s := p.steps[depth-1]
	if s.even() {
		return s
	}
	key, _ := p.w.Step(depth)
	if key == nil {
		return s
	}
	return s.member(key)
}

// suspect is the score from which on what a list says of an entry is marked.
const suspect = 0.5

// value treats one string.
func (p *pass) value(care care) {
	body, at := p.r.Body, literal{start: p.w.Start(), end: p.w.End()}
	inside := body[at.start+1 : at.end-1]
	switch care {
	case careBinary:
		if base64Literal(inside) {
			return
		}
		care = careText
	case careUnnamed:
		p.unnamed = p.unnamed || p.answers && len(inside) > 0
	}
	if at.calm = calmLiteral(inside); at.calm {
		var score float64
		if p.listened(len(inside)) {
			score = p.ask(decoded(body[at.start:at.end]), care)
		}
		switch {
		case p.marks(care, score >= suspect):
			if len(inside) > 0 {
				p.texts = append(p.texts, at)
			}
		case p.seals(care):
			p.seal(at)
		}
		return
	}
	p.decoded(at, care)
}

// decoded treats a string in which something may hide.
func (p *pass) decoded(at literal, care care) {
	was := decoded(p.r.Body[at.start:at.end])
	var score float64
	if p.listened(len(was)) {
		score = p.ask(was, care)
	}
	shown, kinds := Reveal(was)
	p.found(kinds, len(was), care)
	if care == careExact {
		return
	}
	if p.seals(care) {
		if kinds != 0 { // before, what hides is passed over; behind, hidden letters are seen
			shown, _ = Reveal(sealed(was))
		}
		shown = sealed(shown)
	}
	if p.marks(care, kinds != 0 || score >= suspect) {
		at.text, at.same = shown, shown == was
		p.texts = append(p.texts, at)
		return
	}
	if shown != was {
		p.shownInData = p.shownInData || care == careData
		p.edits = append(p.edits, wire.Edit{Start: at.start, End: at.end, With: wire.Quote(shown)})
	}
}

// marks reports whether a string is marked.
func (p *pass) marks(care care, suspect bool) bool {
	return p.style != StyleOff && (care == careText || suspect && (care == careLinked || care == careListed && p.lists))
}

// seals reports whether look-alikes of a fence are made harmless in a string.
func (p *pass) seals(care care) bool {
	return p.style != StyleOff && (care == careText || care == careShown || care == careListed || care == careLinked)
}

// seal makes look-alikes of a fence harmless in a calm string.
func (p *pass) seal(at literal) {
	sealsRaw(p.r.Body[at.start+1:at.end-1], func(i int) {
		i += at.start + 1
		p.edits = append(p.edits, wire.Edit{Start: i, End: i, With: p.f.escape})
	})
}

// found notes what hides in the string at which the walk is.
func (p *pass) found(kinds Hidden, size int, care care) {
	action := "revealed"
	if care == careExact {
		action = "reported"
	}
	for _, kind := range kinds.Names() {
		p.r.Find(ostiary.Finding{Stage: "untrusted", Rule: kind, Pointer: p.w.Pointer(), End: size, Action: action})
	}
}

// key looks at a name: what hides in it is reported, since to change it would break
// what reads it. It notes where the mark is to stand.
func (p *pass) key() {
	body, start, end := p.r.Body, p.w.Start(), p.w.End()
	if inside := body[start+1 : end-1]; !calmLiteral(inside) {
		was := decoded(body[start:end])
		_, kinds := Reveal(was)
		p.found(kinds, len(was), careExact)
	}
	if size := end - start - 2; size >= keyLeast && p.listened(size) {
		p.ask(decoded(body[start:end]), careExact)
	}
	switch depth := p.w.Depth(); {
	case depth == 1 && string(body[start:end]) == `"_meta"`:
		if p.meta = opening(body, end, '{'); p.meta == 0 {
			p.meta = -1
		}
	case depth == 1 && string(body[start:end]) == `"content"`:
		if p.content = opening(body, end, '['); p.content == 0 {
			p.content = -1
		}
	case depth == 1 && (string(body[start:end]) == `"task"` || string(body[start:end]) == `"taskId"` || string(body[start:end]) == `"inputRequests"`):
		p.waits = true
	case depth == 1 && structured(body[start:end]):
		p.structured = true
	case depth == 2 && structured(body[start:end]):
		p.nested = true
	case depth == 2 && p.meta > 0:
		in, _, _ := p.w.Container()
		p.claimed = p.claimed || in == p.meta-1 && decoded(body[start:end]) == MetaMark
	}
}

// structured reports whether a key is read as structuredContent.
func structured(key []byte) bool {
	const name = "structuredContent"
	return string(key) == `"`+name+`"` || len(key) >= len(name)+2 && !lower(key[1:len(key)-1]) && strings.EqualFold(decoded(key), name)
}

// opening is the place behind the bracket with which the value of a key begins, 0 if
// it begins with something else.
func opening(body []byte, at int, bracket byte) int {
	for ; at < len(body); at++ {
		switch body[at] {
		case ' ', '\t', '\n', '\r', ':':
		case bracket:
			return at + 1
		default:
			return 0
		}
	}
	return 0
}

// Texts and names that are shorter are no sentence, and nobody is asked about them.
const (
	signalLeast = 8
	keyLeast    = 24
)

// listened reports whether somebody is to be asked about a text of so many bytes.
func (p *pass) listened(size int) bool { return p.f.o.Signal != nil && size >= signalLeast }

// ask asks how much a text reads like an instruction, and notes it.
func (p *pass) ask(text string, care care) (score float64) {
	score, rules := p.f.o.Signal(p.c, text)
	if score <= 0 {
		return 0
	}
	action, least := "reported", p.f.o.BlockAt
	if p.c.Rule != nil && p.c.Rule.Output.BlockAt > 0 {
		least = p.c.Rule.Output.BlockAt
	}
	if p.marks(care, score >= suspect) {
		action = "marked"
	}
	if least > 0 && score >= least {
		action = "withheld"
		p.withhold = &ostiary.Error{Code: ostiary.CodeUntrustedSignal,
			Message: "the answer reads like instructions to you and was withheld, as the operator's policy says: do not repeat the call; ask the operator to look at it",
			Reason:  fmt.Sprintf("a text scored %.2f, the policy withholds from %.2f on: %v", score, least, rules)}
	}
	for _, rule := range rules {
		p.r.Find(ostiary.Finding{Stage: "detect", Rule: rule, Pointer: p.w.Pointer(), End: len(text), Action: action, Score: score})
	}
	return score
}
