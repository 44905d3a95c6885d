package untrusted

import "bytes"

// binaryLiteral reports whether the inside of a raw JSON string is what a picture or a
// file is written in: base64, its alphabet for URLs, or a data: URL of one of them.
func binaryLiteral(raw []byte) bool {
	if rest := dataOf(raw); rest != nil {
		return len(rest) > 0 && (base64Literal(rest) || base64URL(rest))
	}
	return base64Literal(raw) || base64URL(raw)
}

// urlLeast and urlShare tell base64 for URLs from words that are joined by hyphens: it
// has at least so many letters, and one - or _ among so many of them at most. Random
// data has one among 32, and names have one behind each word.
const (
	urlLeast = 40
	urlShare = 16
)

// base64URL reports whether raw is base64 for URLs (RFC 4648, section 5), padded or
// not, and none of the bits that mean nothing is set.
func base64URL(raw []byte) bool {
	letters := bytes.TrimRight(raw, "=")
	n, pads, signs := len(letters), len(raw)-len(letters), 0
	for _, c := range letters {
		switch {
		case c == '-', c == '_':
			signs++
		case (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9'):
			return false
		}
	}
	if n < urlLeast || signs*urlShare > n || n%4 == 1 || pads > 0 && (n+pads)%4 != 0 {
		return false
	}
	last := sextet(letters[n-1])
	return n%4 == 0 || n%4 == 2 && last&15 == 0 || n%4 == 3 && last&3 == 0
}

// sextet is what a letter of base64 for URLs stands for.
func sextet(c byte) byte {
	switch {
	case c >= 'a':
		return c - 'a' + 26
	case c >= 'A' && c <= 'Z':
		return c - 'A'
	case c >= '0' && c <= '9':
		return c - '0' + 52
	case c == '-':
		return 62
	}
	return 63
}

// mediaMost is how long the media type of a data: URL is at most: that of a picture or
// a recording is short, and has no room for words.
const mediaMost = 32

// dataOf is the base64 of a raw data: URL (RFC 2397) of something that is no text; nil
// if raw is none. Its media type has no parameters, and a slash that may be escaped.
func dataOf(raw []byte) []byte {
	rest, ok := bytes.CutPrefix(raw, []byte("data:"))
	if !ok {
		return nil
	}
	media, rest, ok := bytes.Cut(rest, []byte(";base64,"))
	if !ok || len(media) > mediaMost {
		return nil
	}
	kind, name, ok := bytes.Cut(media, []byte("/"))
	if !ok || len(name) == 0 {
		return nil
	}
	switch string(bytes.TrimSuffix(kind, []byte(`\`))) {
	case "image", "audio", "video", "font", "model", "application":
	default:
		return nil
	}
	hyphens := 0
	for _, c := range name {
		switch {
		case c == '-':
			hyphens++
		case (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '+':
			return nil
		}
	}
	if hyphens > 1 {
		return nil
	}
	return rest
}
