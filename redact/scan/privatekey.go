package scan

import "strings"

const (
	pemBegin = "-----BEGIN"
	dashes   = "-----"
	maxLabel = 100
	minBlock = 64 // bytes between the marks of a key
	minBody  = 40 // characters of one whose end is missing
)

// privateKey finds whole blocks as PEM and OpenPGP write them (RFC 7468, RFC 9580).
// One without an end, because the text was cut, goes as far as it is base64.
func privateKey(f *finder, r *rule, start, end int) {
	s := f.m.s
	from, body, ok := pemHead(s, start, end)
	if !ok || from < f.until[r.number] {
		return
	}
	if to := f.nextKeyEnd(body + minBlock); to > 0 {
		f.take(r, from, to, from, to)
		return
	}
	f.note(from, len(s)) // all of it was read for the end
	if to, n := f.pemBody(body); n >= minBody {
		f.take(r, from, to, from, to)
	}
}

// pemHead is the mark around "private key" at s[start:end].
func pemHead(s string, start, end int) (from, body int, ok bool) {
	from = start
	for from > 0 && start-from <= maxLabel+len(pemBegin) && (isToken(s[from-1]) || s[from-1] == ' ') {
		from--
	}
	// The dashes before the label belong to the same bytes, so the mark stands in them.
	n := strings.LastIndex(strings.ToUpper(s[from:start]), pemBegin)
	if n < 0 {
		return 0, 0, false
	}
	from += n
	if block := " BLOCK"; len(s)-end >= len(block) && strings.EqualFold(s[end:end+len(block)], block) {
		end += len(block)
	}
	return from, end + len(dashes), strings.HasPrefix(s[end:], dashes)
}

// nextKeyEnd is where the first mark that ends a key behind from ends; 0 if there
// is none. It reads no byte twice in one search.
func (f *finder) nextKeyEnd(from int) int {
	if f.keyFrom > 0 && from >= f.keyFrom && (f.keyEnd == 0 || from <= f.keyEnd-len("key-----")) {
		return f.keyEnd
	}
	f.keyFrom, f.keyEnd = from, 0
	for i := from; i < len(f.m.s); {
		n := strings.Index(f.m.s[i:], dashes)
		if n < 0 {
			break
		}
		i += n
		before := f.m.s[max(from, i-len("key block")):i]
		i += len(dashes)
		if endsIn(before, "key") || endsIn(before, "key block") {
			f.keyEnd = i
			break
		}
	}
	return f.keyEnd
}

func endsIn(s, end string) bool {
	return len(s) >= len(end) && strings.EqualFold(s[len(s)-len(end):], end)
}

// pemBody goes on over lines of base64, which white space or its escape parts, and
// lines of a header; n counts the base64. All words but the last are as long as
// lines of a key, so that a sentence is none.
func (f *finder) pemBody(i int) (to, n int) {
	const least = 16
	s := f.m.s
	to = i
	for {
		i = spaces(s, i)
		f.m.high = max(f.m.high, i)
		if name := f.m.skip(i, 32, tokenBytes); name > i && strings.HasPrefix(s[name:], ": ") && n == 0 {
			i = f.m.skip(name, 256, headerBytes)
			continue
		}
		end := f.m.skip(i, len(s), base64Bytes)
		n += end - i
		if end > i {
			to = end
		}
		if end-i < least || end < len(s) && spaces(s, end) == end {
			return to, n
		}
		i = end
	}
}

// spaces leaves white space behind, and what is written for it in programs.
func spaces(s string, i int) int {
	for i < len(s) {
		switch {
		case isSpace(s[i]):
			i++
		case s[i] == '\\' && i+1 < len(s) && strings.IndexByte("nrt", s[i+1]) >= 0:
			i += 2
		default:
			return i
		}
	}
	return i
}
