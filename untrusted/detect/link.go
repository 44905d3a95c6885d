package detect

import "bytes"

// linkSigns begin a picture or a link whose address may carry data; querySigns are
// parameters that do. Neither is ever written to.
var (
	linkSigns  = []string{"](http://", "](https://", "<img src=", "src=\"http"}
	querySigns = []string{
		"?data=", "&data=", "?payload=", "&payload=", "?exfil", "&exfil", "?secret", "&secret=", "?leak=", "?stolen", "?conversation", "?history=",
		"?prompt=", "&prompt=", "?password", "&password=", "?info=", "?content=", "&content=", "?context=", "?cookie", "&cookie=", "?creds", "?summary=",
		"webhook.site", "requestbin", "pipedream.net", "burpcollab", "interact.sh", "oast.fun", "oast.pro", "oast.live", "ngrok.io", "ngrok-free", "beeceptor.com", "requestcatcher",
	}
)

// link looks at an address around [at, …): whether it takes something along that is
// still to be filled in, or long enough to be a text.
func (s *scan) link(v *view, at int, a *anchor) {
	text := v.text
	start := at + len(a.text)
	if a.kind == kindLink {
		picture := text[at] == '<' || text[at]|0x20 == 's' || bracketed(text, at)
		for start > at && text[start-1] != 'h' && text[start-1] != 'H' { // back to the address
			start--
		}
		end := urlEnd(text, start, min(len(text), start+longestURL))
		if !carries(text[start:end]) {
			return
		}
		if picture {
			s.hit(ruleImageData, v, at, end)
		} else {
			s.hit(ruleURLData, v, at, end)
		}
		return
	}
	from := at
	for n := 0; from > 0 && n < longestURL && addressByte(text[from-1]); n++ {
		from--
	}
	if i := bytes.LastIndex(text[from:at+len(a.text)], []byte("://")); i < 0 && a.text[0] != 'w' {
		return
	}
	s.hit(ruleURLData, v, from, urlEnd(text, at, min(len(text), at+longestURL)))
}

const longestURL = 2 << 10

func addressByte(c byte) bool {
	switch c {
	case ' ', '\n', '\t', '\r', '"', '<', '>', '`', '|', '\\', '(', ')', '[', ']':
		return false
	}
	return true
}

// bracketed reports whether the bracket that closes at i belongs to a picture.
func bracketed(text []byte, i int) bool {
	for n := 0; i > 0 && n < 200; n++ {
		i--
		if text[i] == '[' {
			return i > 0 && text[i-1] == '!'
		}
		if text[i] == '\n' {
			break
		}
	}
	return false
}

// carries reports whether the query or the last part of an address has room for
// data: a place to fill in, or a value that is long and no word.
func carries(url []byte) bool {
	i := bytes.IndexByte(url, '?')
	if i < 0 {
		return filled(url)
	}
	query := url[i+1:]
	if filled(query) {
		return true
	}
	for value := range bytes.SplitSeq(query, []byte("&")) {
		name, value, _ := bytes.Cut(value, []byte("="))
		switch string(name) {
		case "data", "d", "q", "payload", "exfil", "secret", "leak", "msg", "message", "text", "content", "info", "token", "key", "password", "conversation", "history", "context", "summary", "user", "c":
			if len(value) == 0 || len(value) >= 24 {
				return true
			}
		}
	}
	return false
}

// filled reports whether something is to be put in its place: {…}, [...], <…>, $NAME, %s.
func filled(s []byte) bool {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '{', '[', '$':
			return true
		case '%':
			if i+1 < len(s) && s[i+1] == 's' {
				return true
			}
		}
	}
	return false
}
