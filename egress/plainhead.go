package egress

import (
	"net/http"
	"strconv"
	"strings"
)

// plainMost is the longest body that is written before anything is read: the buffers
// of a connection hold as much, so that a server that answers early is heard.
const plainMost = 64 << 10

// plainly reports whether a request is one for [plain]: without TLS, with a body of
// known length that is not long, and with nothing in it that changes how either side
// is read.
func plainly(r *http.Request) bool {
	u := r.URL
	body := r.Body != nil && r.Body != http.NoBody
	switch {
	case !canPeek, u.Scheme != "http", r.Host != "" && r.Host != u.Host, r.Close, len(r.TransferEncoding) > 0, len(r.Trailer) > 0:
		return false
	case r.Method != http.MethodGet && r.Method != http.MethodPost && r.Method != http.MethodDelete:
		return false
	case body && (r.ContentLength <= 0 || r.ContentLength > plainMost || r.Method != http.MethodPost):
		return false
	case !body && r.ContentLength != 0, !visible(u.Host), !visible(u.RequestURI()):
		return false
	}
	for name, values := range r.Header {
		if !token(name) || framing(name) {
			return false
		}
		for _, v := range values {
			if !fieldValue(v) {
				return false
			}
		}
	}
	return true
}

// framing reports whether a field says how a message or a connection is to be read.
func framing(name string) bool {
	for _, f := range [...]string{"Host", "Content-Length", "Transfer-Encoding", "Trailer", "Te", "Connection", "Keep-Alive", "Proxy-Connection", "Upgrade", "Expect"} {
		if len(f) == len(name) && strings.EqualFold(f, name) {
			return true
		}
	}
	return false
}

// token reports whether a name is one of RFC 9110, section 5.6.2.
func token(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

// fieldValue reports whether a value has nothing that ends its field (RFC 9110,
// section 5.5).
func fieldValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

func visible(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == 0x7f {
			return false
		}
	}
	return s != ""
}

// appendHead writes the head of a request that plainly takes.
func appendHead(b []byte, r *http.Request) []byte {
	b = append(append(append(b, r.Method...), ' '), r.URL.RequestURI()...)
	b = append(append(append(b, " HTTP/1.1\r\nHost: "...), r.URL.Host...), "\r\n"...)
	if _, own := r.Header["User-Agent"]; !own {
		b = append(b, "User-Agent: Go-http-client/1.1\r\n"...)
	}
	if r.Method == http.MethodPost {
		b = append(strconv.AppendInt(append(b, "Content-Length: "...), r.ContentLength, 10), "\r\n"...)
	}
	for name, values := range r.Header {
		for _, v := range values {
			b = append(append(append(append(b, name...), ": "...), strings.Trim(v, " \t")...), "\r\n"...)
		}
	}
	return append(b, "\r\n"...)
}
