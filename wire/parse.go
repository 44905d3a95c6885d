package wire

import (
	"bytes"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/ostiary/ostiary"
)

// space is the white space of JSON.
const space = " \t\r\n"

// Parse reads one message strictly. b may have white space around the message;
// Message.Raw and everything else of the view are subslices of b, which MUST NOT
// change afterwards. The error is an *ostiary.Error with a code that begins with
// "wire_". Parse never panics, takes time linear in len(b), and is safe for
// concurrent use.
//
// The format is JSON-RPC 2.0 as MCP narrows it: params is always an object, an
// id is a string or a number, there are no batches.
func Parse(b []byte, lim Limits) (*Message, error) {
	raw := bytes.Trim(b, space)
	if err := checkBytes(raw, lim); err != nil {
		return nil, err
	}
	if raw[0] == '{' {
		if p := (parser{raw: raw, maxDepth: lim.maxDepth()}); p.quickly() { // on the stack
			return p.view()
		}
	}
	p := newParser(raw, lim)
	if _, err := p.value(inEnvelope); err != nil {
		return nil, err
	}
	if rest := bytes.TrimLeft(raw[p.offset():], space); len(rest) > 0 {
		return nil, refuseAt(ostiary.CodeWireTrailing, len(raw)-len(rest),
			"there is data behind the message; send one message at a time")
	}
	if raw[0] != '{' {
		return nil, refuse(ostiary.CodeWireEnvelope, "the message is not an object; send one JSON-RPC 2.0 object")
	}
	return p.view()
}

// checkBytes looks at what can be told without parsing.
func checkBytes(raw []byte, lim Limits) error {
	switch {
	case len(raw) > lim.maxBytes():
		return refuseSize(lim.maxBytes())
	case len(raw) == 0:
		return refuse(ostiary.CodeWireParse, "the message is empty; send one JSON-RPC 2.0 object")
	case raw[0] == '[':
		return refuse(ostiary.CodeWireBatch, "JSON-RPC batches are not accepted; send each message by itself")
	case bytes.HasPrefix(raw, []byte("\xef\xbb\xbf")):
		return refuse(ostiary.CodeWireParse, "the message begins with a byte order mark; send it without one")
	case !utf8.Valid(raw):
		return refuseAt(ostiary.CodeWireUTF8, invalidAt(raw), "the message is not valid UTF-8; encode it as UTF-8")
	}
	if !lim.AllowNewlines && (bytes.IndexByte(raw, '\n') >= 0 || bytes.IndexByte(raw, '\r') >= 0) {
		return refuseAt(ostiary.CodeWireTrailing, bytes.IndexAny(raw, "\r\n"),
			"there is a line break inside the message, and a line break ends a message; send each message on one line")
	}
	return nil
}

func invalidAt(raw []byte) int {
	for i := 0; i < len(raw); {
		r, n := utf8.DecodeRune(raw[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(raw)
}

// span is a value inside a message: raw[start:end]. The zero span is absent.
type span struct{ start, end int }

func (s span) in(raw []byte) []byte {
	if s.end == 0 {
		return nil
	}
	return raw[s.start:s.end:s.end]
}

// parser walks through one message. It keeps spans and decides what they mean
// when the whole message has been read, because the order of keys is free.
type parser struct {
	raw      []byte
	dec      *jsontext.Decoder
	maxDepth int
	keys     keySet
	found    [slots]span
	// loneEnd is the end of the last lone surrogate's string outside a response's
	// payload, 0 if there is none.
	loneEnd   int
	inPayload bool // within result or error
	params    int  // how many members params has
	// resultTwin is true if the result or error has a key that asks for input in
	// another case.
	resultTwin bool
}

// newQuick makes a parser for quick reading alone.
func newQuick(raw []byte, lim Limits) *parser {
	return &parser{raw: raw, maxDepth: lim.maxDepth()}
}

func newParser(raw []byte, lim Limits) *parser {
	p := newQuick(raw, lim)
	// Bytes that are not UTF-8 were refused before; what AllowInvalidUTF8 lets
	// pass is a lone escaped surrogate, which is judged by where it stands.
	// Equal keys are found by keySet, together with twins but for case.
	p.dec = jsontext.NewDecoder(bytes.NewBuffer(raw), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
	return p
}

func (p *parser) offset() int { return int(p.dec.InputOffset()) }

// value reads the next value and returns where it lies.
func (p *parser) value(at place) (span, error) {
	switch p.dec.PeekKind() {
	case '{':
		return p.object(at)
	case '[':
		return p.array(at.inside())
	}
	v, err := p.dec.ReadValue()
	if err != nil {
		return span{}, refuseSyntax(err)
	}
	end := p.offset()
	if v[0] == '"' {
		p.surrogates(v, end)
	}
	return span{end - len(v), end}, nil
}

func (p *parser) open() (start int, err error) {
	if _, err := p.dec.ReadToken(); err != nil {
		return 0, refuseSyntax(err)
	}
	if p.dec.StackDepth() > p.maxDepth {
		return 0, refuseDepth(p.maxDepth)
	}
	return p.offset() - 1, nil
}

func (p *parser) array(at place) (span, error) {
	start, err := p.open()
	if err != nil {
		return span{}, err
	}
	for p.dec.PeekKind() != ']' {
		if _, err := p.value(at); err != nil {
			return span{}, err
		}
	}
	_, err = p.dec.ReadToken()
	return span{start, p.offset()}, refuseSyntax(err)
}

func (p *parser) object(at place) (span, error) {
	start, err := p.open()
	if err != nil {
		return span{}, err
	}
	keys := p.keys.open()
	for p.dec.PeekKind() != '}' {
		name, err := p.dec.ReadValue()
		if err != nil {
			return span{}, refuseSyntax(err)
		}
		end := p.offset()
		p.surrogates(name, end)
		key, twin := p.keys.add(&keys, name, at.folds())
		if twin {
			return span{}, refuseTwin(end - len(name))
		}
		where, word, next := at.lookup(key)
		if where == noSlot && at.isTwin(key) {
			p.resultTwin = true
		}
		if where != noSlot && at.folds() && !isWord(name, word) {
			return span{}, refuseTwin(end - len(name))
		}
		if where == slotResult || where == slotError {
			p.inPayload = true
		}
		if at == inParams {
			p.params++
		}
		val, err := p.value(next)
		if err != nil {
			return span{}, err
		}
		if where == slotResult || where == slotError {
			p.inPayload = false
		}
		p.found[where] = val
	}
	p.keys.close(keys)
	_, err = p.dec.ReadToken()
	return span{start, p.offset()}, refuseSyntax(err)
}

// isWord reports whether a raw JSON string is word.
func isWord(raw []byte, word string) bool {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1:len(raw)-1]) == word
	}
	s, err := jsontext.AppendUnquote(nil, raw)
	return err == nil && string(s) == word
}

// isTwin reports whether a decoded key that is not known at this place of a
// response is, but for case, one that asks for input or leads to one that does.
func (at place) isTwin(key []byte) bool {
	if len(key) == 0 {
		return false
	}
	first := key[0] | 0x20 // none of the letters below folds to anything beyond ASCII
	switch at {
	case inResult:
		return first == 'r' && bytes.EqualFold(key, []byte("resultType")) || first == 'i' && bytes.EqualFold(key, []byte("inputRequests"))
	case inTask:
		return first == 'i' && bytes.EqualFold(key, []byte("inputRequests"))
	case inError:
		return first == 'd' && bytes.EqualFold(key, []byte("data"))
	case inErrorData:
		return first == 'e' && bytes.EqualFold(key, []byte("elicitations"))
	}
	return false
}

// surrogates notes a lone surrogate in a raw string that ends at end.
func (p *parser) surrogates(raw []byte, end int) {
	if !p.inPayload && bytes.IndexByte(raw, '\\') >= 0 && hasLoneSurrogate(raw) {
		p.loneEnd = end
	}
}

// hasLoneSurrogate reports whether a syntactically valid raw string has an
// escaped surrogate that is not half of a pair.
func hasLoneSurrogate(s []byte) bool {
	for {
		i := bytes.IndexByte(s, '\\')
		if i < 0 {
			return false
		}
		if s[i+1] != 'u' {
			s = s[i+2:]
			continue
		}
		u := hex4(s[i+2:])
		s = s[i+6:]
		switch {
		case 0xdc00 <= u && u < 0xe000:
			return true
		case 0xd800 <= u && u < 0xdc00:
			if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
				return true
			}
			if low := hex4(s[2:]); low < 0xdc00 || low >= 0xe000 {
				return true
			}
			s = s[6:]
		}
	}
}

// hex4 reads four hexadecimal digits that are known to be there.
func hex4(s []byte) (u uint16) {
	for _, c := range s[:4] {
		u <<= 4
		switch {
		case c <= '9':
			u |= uint16(c - '0')
		default:
			u |= uint16(c|0x20-'a') + 10
		}
	}
	return u
}
