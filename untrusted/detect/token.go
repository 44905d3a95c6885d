package detect

// wordID is a word of the lexicon; 0 is a word that no rule knows.
type wordID uint16

// token is a word or a sign.
type token struct {
	word       wordID
	kind       tokenKind
	start, end int32 // in the view
}

type tokenKind uint8

const (
	tokenWord tokenKind = iota
	tokenSign           // takes no room between words
	tokenStop           // the end of a sentence or a line that stands apart
)

// Words that stand for what is no word of the lexicon.
const (
	wordLine    = "\\n"     // the beginning of a line
	wordAddress = "@addr"   // a mail address
	wordURL     = "@url"    // an address of the web
	wordTool    = "@tool"   // the name of a tool
	wordNumber  = "@number" // digits
)

// longestWord is how many bytes of a word are compared; longer ones are unknown.
const longestWord = 24

// class of each byte: what a word is made of, what ends a sentence.
const (
	byteOther = iota
	byteWord
	byteSpace
	byteLine
	byteStop
)

// byteClass is never written to.
var byteClass = func() (table [256]uint8) {
	for c := range 256 {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '\'', c >= 0x80:
			table[c] = byteWord
		case c == ' ', c == '\t', c == '\r', c == 0:
			table[c] = byteSpace
		case c == '\n':
			table[c] = byteLine
		case c == '.', c == '!', c == '?', c == ';':
			table[c] = byteStop
		}
	}
	return table
}()

// tokens reads v.text[from:to].
func (l *lexicon) tokens(dst []token, text []byte, from, to int, isTool func([]byte) bool) []token {
	add := func(w wordID, k tokenKind, start, end int) {
		dst = append(dst, token{word: w, kind: k, start: int32(start), end: int32(end)})
	}
	if from == 0 {
		add(l.line, tokenSign, 0, 0)
	}
	lineAt := -1 // where the last line break stood, with nothing but space since
	for i := from; i < to; {
		c := text[i]
		switch byteClass[c] {
		case byteSpace:
			i++
			continue
		case byteLine:
			if lineAt >= 0 {
				add(0, tokenStop, i, i+1)
			}
			add(l.line, tokenSign, i, i+1)
			lineAt = i
			i++
			continue
		case byteStop:
			k := tokenSign
			if i+1 >= len(text) || byteClass[text[i+1]] != byteWord {
				k = tokenStop
			}
			add(l.signs[c], k, i, i+1)
			i++
		case byteOther:
			if c == '\\' && i+1 < to && (text[i+1] == 'n' || text[i+1] == 'r' || text[i+1] == 't') { // JSON within the text
				if text[i+1] == 'n' {
					add(l.line, tokenSign, i, i+2)
				}
				i += 2
				continue
			}
			if c != '*' { // emphasis is as good as a space
				add(l.signs[c], tokenSign, i, i+1)
			}
			i++
		case byteWord:
			if c == '_' { // emphasis too
				i++
				continue
			}
			end, w := l.word(text, i, to, isTool)
			if end > i {
				add(w, tokenWord, i, end)
			}
			i = max(end, i+1)
		}
		lineAt = -1
	}
	return dst
}

// word reads the word at i. It returns its end, which is i for what is punctuation
// outside of ASCII.
func (l *lexicon) word(text []byte, i, to int, isTool func([]byte) bool) (int, wordID) {
	var low [longestWord]byte
	n, j := 0, i
	odd, digits, under, hash := false, true, 0, uint32(0)
	for ; j < to && byteClass[text[j]] == byteWord; j++ {
		c := text[j]
		if c == 0xe2 && j+2 < to && text[j+1] == 0x80 { // quotes and dashes
			if text[j+2] != 0x99 {
				if j == i {
					return j, 0
				}
				break
			}
			c = '\''
			j += 2
		}
		if c >= 'A' && c <= 'Z' {
			odd = odd || n > 0
			c |= 0x20
		} else if c == '_' {
			odd = true
			if under == 0 {
				under = j - i
			}
		}
		digits = digits && c >= '0' && c <= '9'
		if n < longestWord {
			low[n] = c
			hash = hashByte(hash, c)
		}
		n++
	}
	if j == i {
		return i, 0
	}
	if j < to {
		switch text[j] {
		case '@':
			if end := addressEnd(text, j, to); end > 0 {
				return end, l.address
			}
		case ':':
			if n >= 4 && n <= 5 && (string(low[:n]) == "http" || string(low[:n]) == "https") && j+3 < to && text[j+1] == '/' && text[j+2] == '/' {
				return urlEnd(text, j, to), l.url
			}
		case '-':
			if isTool != nil { // names may have dashes
				k := j
				for k < to && (text[k] == '-' || byteClass[text[k]] == byteWord && text[k] < 0x80) {
					k++
				}
				if k-i < longestName && isTool(text[i:k]) {
					return k, l.tool
				}
			}
		}
	}
	if odd && isTool != nil && j-i < longestName && isTool(text[i:j]) {
		return j, l.tool
	}
	if digits {
		return j, l.number
	}
	if n > longestWord && under == 0 {
		return j, 0
	}
	n = min(n, longestWord)
	read := n
	for n > 0 && low[n-1] == '\'' { // a closing quote
		n--
	}
	k := 0
	for k < n && low[k] == '\'' {
		k++
	}
	if k > 0 || n < read {
		hash = wordHash(low[k:n])
	} else {
		hash ^= hash >> 13
	}
	w := l.look(low[k:n], hash)
	if w == 0 && under > 0 { // chat_history reads as two words
		return i + under, l.find(low[k:min(under, n)])
	}
	return j, w
}

const longestName = 128

// addressEnd is the end of a mail address whose @ stands at i, 0 if it is none.
func addressEnd(text []byte, i, to int) int {
	dot := false
	j := i + 1
	for ; j < to; j++ {
		c := text[j]
		if c == '.' {
			dot = j > i+1
		} else if byteClass[c] != byteWord && c != '-' {
			break
		}
	}
	if !dot || text[j-1] == '.' && j-1 <= i+1 {
		return 0
	}
	if text[j-1] == '.' {
		j--
	}
	return j
}

// urlEnd is the end of the address of which i is a byte.
func urlEnd(text []byte, i, to int) int {
	for ; i < to; i++ {
		switch c := text[i]; c {
		case ' ', '\n', '\t', '\r', '"', '<', '>', '`', '|', '\\', ')':
			return i
		}
	}
	return i
}
