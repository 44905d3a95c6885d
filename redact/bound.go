package redact

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// bound cuts the texts of a body to the limit, all of them together, and withholds
// structured content that is over it by itself. Lists have bounds of their own, and
// binary content that of a message.
func (p *pass) bound(body []byte) (out []byte, did bool) {
	if len(body) <= p.limit || isList(p.c.Method) {
		return body, false
	}
	body = p.onResults(body, func(result []byte, pointer string) []byte {
		m, ok := member(result, structured)
		if !ok || m.end-m.value <= p.limit {
			return result
		}
		p.noteOnce("max_bytes", pointer+"/"+structured)
		did = true
		return p.withhold(result, ostiary.CodeLimitSize,
			fmt.Sprintf("structured content was left out: it has %d bytes, and the limit is %d", m.end-m.value, p.limit))
	})
	if p.r.Status == ostiary.StatusRPCError || p.c.Method == "notifications/message" {
		if m, ok := member(body, "data"); ok && m.end-m.value > p.limit && body[m.value] != '"' {
			p.noteOnce("max_bytes", "/data")
			body, did = replaced(body, m.value, m.end, wire.Quote(cutNote(m.end-m.value, p.limit))), true
		}
	}
	cut, some := p.cutTexts(body)
	return cut, did || some
}

// isList reports methods whose answers describe what there is.
func isList(method string) bool {
	return strings.HasSuffix(method, "/list") || method == "initialize" || method == "server/discover"
}

func cutNote(left, limit int) string {
	return fmt.Sprintf("[ostiary: %d bytes were left out here, because the limit is %d; ask for less at a time.]", left, limit)
}

// cutTexts cuts the texts of a body, each as it is written, so that all of them
// together are no longer than the limit.
func (p *pass) cutTexts(body []byte) (out []byte, did bool) {
	total := 0
	for w := wire.Texts(body); w.Next(); {
		if p.isText(&w, body) {
			total += w.End() - w.Start() - 2
		}
	}
	if total <= p.limit {
		return body, false
	}
	p.total = max(p.total, total)     // what is cut once more lacks what the first cut took
	note := cutNote(p.total, p.limit) // as long as the note will be, or a little longer
	room := max(0, p.limit-len(note))
	var edits []wire.Edit
	kept := 0
	for w := wire.Texts(body); w.Next(); {
		if !p.isText(&w, body) {
			continue
		}
		inside := borrow(body[w.Start()+1 : w.End()-1])
		n := cutAt(inside, room-kept)
		if kept += n; n == len(inside) {
			continue
		}
		e := wire.Edit{Start: w.Start() + 1 + n, End: w.End() - 1}
		if len(edits) == 0 {
			p.noteOnce("max_bytes", p.pointer(&w))
		}
		edits = append(edits, e)
		room = kept // nothing is kept behind the first that is cut
	}
	if len(edits) == 0 {
		return body, false
	}
	edits[0].With = []byte(cutNote(p.total-kept, p.limit))
	out, err := wire.Splice(body, edits...)
	if err != nil {
		return body, false // edits in order do not overlap
	}
	return out, true
}

// noteOnce notes in the first round.
func (p *pass) noteOnce(rule, pointer string) {
	if !p.again {
		p.note(rule, pointer)
	}
}

// isText reports whether a literal is text for a reader, in a place where the protocol
// has it, and outside of structured content.
func (p *pass) isText(w *wire.TextWalk, body []byte) bool {
	if w.IsKey() {
		return false
	}
	switch string(w.Key()) {
	case "text", "message", "systemPrompt":
	case "data":
		if isBinary(w, body, borrow(body[w.Start()+1:w.End()-1])) {
			return false
		}
	default:
		return false
	}
	top, _ := w.Step(1)
	if string(top) == taskResult && p.ofTask() {
		top, _ = w.Step(2)
	}
	return string(top) != structured && string(top) != "_meta"
}

// cutAt is how much of the inside of a literal fits into a number of bytes without
// cutting a character, an escape or a marker.
func cutAt(s string, room int) int {
	if len(s) <= room {
		return len(s)
	}
	at := 0
	for at < room {
		n := 1
		if s[at] == '\\' {
			_, n = escapeOne(nil, s[at:])
		} else if s[at] >= utf8.RuneSelf {
			_, n = utf8.DecodeRuneInString(s[at:])
		}
		if at+n > room {
			break
		}
		at += n
	}
	// What begins before the cut may be told from a marker only by what stands behind it.
	if open := strings.LastIndex(s[:min(len(s), at+len(markerBegins)-1)], markerBegins); open >= 0 && strings.IndexByte(s[open:at], ']') < 0 && at-open < maxRuleName {
		at = open
	}
	return at
}
