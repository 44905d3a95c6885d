package redact

import "strings"

const rulePrivate = "private-key"

const (
	pemBegin = "-----BEGIN "
	pemEnd   = "-----END "
	dashes   = "-----"
)

// privateKeys adds private keys as PEM writes them (RFC 7468, RFC 1421): what stands
// behind a mark that begins one and is base64. Between two marks anybody can write
// anything, so what is no base64 stays, and header lines do.
func (r *Redactor) privateKeys(spans []span, s string) []span {
	for i := 0; ; {
		n := strings.Index(s[i:], pemBegin)
		if n < 0 {
			return spans
		}
		start := i + n
		i = start + len(pemBegin)
		label := pemLabel(s[i:])
		if !strings.HasSuffix(strings.TrimSuffix(label, " BLOCK"), "PRIVATE KEY") {
			continue
		}
		body := i + len(label) + len(dashes)
		stop := len(s)
		if n := strings.Index(s[body:], dashes); n >= 0 {
			stop = body + n
		}
		spans = r.privateKey(spans, s, start, body, stop, label)
		i = stop
	}
}

// pemLabel is the label that s begins with; "" if there is none. It has capital
// letters, digits and spaces only, though RFC 7468 allows more.
func pemLabel(s string) string {
	const most = 64
	n := strings.Index(s[:min(len(s), most)], dashes)
	if n < 0 || strings.Trim(s[:n], "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ") != "" {
		return ""
	}
	return s[:n]
}

// privateKey adds what of s[body:stop] is a key, with the marks around it.
func (r *Redactor) privateKey(spans []span, s string, start, body, stop int, label string) []span {
	if n := pemHeaders(s[body:stop]); n > 0 { // they stay, and the mark before them
		body += n
		start = body
	}
	end := body + pemBody(s[body:stop])
	if end > body && r.keyLike(s[body:end]) {
		p := span{start, end, rulePrivate}
		if end == stop && strings.HasPrefix(s[stop:], pemEnd+label+dashes) {
			p.end += len(pemEnd) + len(label) + len(dashes)
		}
		spans, body = append(spans, p), end
	}
	// A key with something between its lines: quotes, plus signs.
	least := 20
	if r.strict() {
		least = 40
	}
	for i := body; i < stop; i++ {
		from := i
		for i < stop && isBase64(s[i]) {
			i++
		}
		if i-from >= least && r.keyLike(s[from:i]) {
			spans = append(spans, span{from, i, rulePrivate})
		}
	}
	return spans
}

// pemHeaders is the length of the lines "Name: value" that s begins with, and of
// the empty line behind them.
func pemHeaders(s string) (n int) {
	for {
		rest := strings.TrimLeft(s[n:], "\r\n")
		line, _, more := strings.Cut(rest, "\n")
		name, _, header := strings.Cut(line, ": ")
		if !more || !header || name == "" || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-") != "" {
			return n
		}
		n = len(s) - len(rest) + len(line) + 1
	}
}

// pemBody is the length of the base64 that s begins with: words that white space, or
// its escape in a string of a program, separates. All but the last are as long as
// lines of a key, so that a sentence is none.
func pemBody(s string) (n int) {
	const least = 16
	for i := 0; ; {
		for {
			w := space(s[i:])
			if w == 0 {
				break
			}
			i += w
		}
		from := i
		for i < len(s) && isBase64(s[i]) {
			i++
		}
		if i == from {
			if n > 0 && i == len(s) { // the white space at the end
				n = i
			}
			return n
		}
		if i < len(s) && space(s[i:]) == 0 {
			return n
		}
		n = i
		if i-from < least {
			if strings.TrimLeft(s[i:], " \t\r\n") == "" {
				n = len(s)
			}
			return n
		}
	}
}

// space is the length of the white space at the beginning of s: a character of it, or
// the escape of one.
func space(s string) int {
	switch {
	case s == "":
		return 0
	case strings.IndexByte(" \t\r\n", s[0]) >= 0:
		return 1
	case len(s) > 1 && s[0] == '\\' && strings.IndexByte("nrt", s[1]) >= 0:
		return 2
	}
	return 0
}

func isBase64(c byte) bool {
	return isDigit(c) || isLetter(c) || c == '+' || c == '/' || c == '='
}

// keyLike reports whether what is written in base64 may be a key. For the log
// anything may be; for the eye it has the length of one and is as mixed as one,
// which commands and paths are not.
func (r *Redactor) keyLike(s string) bool {
	if !r.strict() {
		return true
	}
	const least, random = 40, "+/"
	var upper, lower, digits, signs, all int
	for i := range len(s) {
		switch c := s[i]; {
		case !isBase64(c):
			continue
		case isDigit(c):
			digits++
		case isUpper(c):
			upper++
		case isLetter(c):
			lower++
		case strings.IndexByte(random, c) >= 0:
			signs++
		}
		all++
	}
	return all >= least && upper > 0 && lower > 0 && digits > 0 && signs <= all/8
}
