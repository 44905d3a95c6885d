package gateway

import (
	"encoding/hex"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// uriTemplate is a template of URIs (RFC 6570).
type uriTemplate struct {
	parts []templatePart
	form  *regexp.Regexp // with a group for each part that is no text
}

// templatePart is text, or an expression with its operator, 0 for none, and its
// variables, each with how many characters of its value stand in a URI, 0 for all.
type templatePart struct {
	text     string
	operator byte
	names    []string
	widths   []int
}

// Bounds of a template that is taken apart, and of a URI that is held against it.
const (
	templateBytes = 4 << 10
	templateParts = 64
	uriBytes      = 16 << 10
)

// operators of RFC 6570, section 2.2: what they put before the first value and
// between the others, and what their values may be in a URI. The last is looser than
// what a strict client writes, since others write slashes into simple values too, and
// more than a prefix.
var operators = map[byte]struct{ first, between, values string }{
	0:   {"", ",", `([^?#]*)`},
	'+': {"", ",", `(.*)`},
	'#': {"#", ",", `((?:#.*)?)`},
	'.': {".", ".", `((?:\.[^/?#]*)?)`},
	'/': {"/", "/", `((?:/[^?#]*)?)`},
	';': {";", ";", `((?:;[^?#]*)?)`},
	'?': {"?", "&", `((?:\?[^#]*)?)`},
	'&': {"&", "&", `((?:&[^#]*)?)`},
}

// parseTemplate takes a template apart. What cannot be, from its brace on, stays text
// that is in no URI; but where it asks what a URI may have come from, anything may
// stand there.
func parseTemplate(s string) uriTemplate {
	var t uriTemplate
	form := strings.Builder{}
	form.WriteString(`(?is)\A`)
	literal := func(text string) {
		if text != "" {
			t.parts = append(t.parts, templatePart{text: text})
			form.WriteString(regexp.QuoteMeta(plainURI(text)))
		}
	}
	for s != "" {
		before, rest, open := strings.Cut(s, "{")
		expression, after, closed := strings.Cut(rest, "}")
		literal(before)
		switch {
		case !open:
			s = ""
			continue
		case !closed || len(s) > templateBytes || len(t.parts) > templateParts:
			t.parts = append(t.parts, templatePart{text: "{" + rest})
			form.WriteString(`(.*)`)
			s = ""
			continue
		}
		p := templatePart{}
		if expression != "" && strings.Contains("+#./;?&", expression[:1]) {
			p.operator, expression = expression[0], expression[1:]
		}
		for name := range strings.SplitSeq(expression, ",") {
			name, prefix, _ := strings.Cut(strings.TrimSuffix(name, "*"), ":")
			width, err := strconv.ParseUint(prefix, 10, 16)
			if err != nil {
				width = 0
			}
			p.names, p.widths = append(p.names, name), append(p.widths, int(width))
		}
		t.parts = append(t.parts, p)
		form.WriteString(operators[p.operator].values)
		s = after
	}
	form.WriteString(`\z`)
	t.form = regexp.MustCompile(form.String()) // of quoted text and the above
	return t
}

// matches reports whether a URI may have come from the template; one that is too
// long to be looked at may.
func (t uriTemplate) matches(uri string) bool {
	return len(uri) > uriBytes || t.form.MatchString(plainURI(uri))
}

// makes reports whether a strict client makes a URI of the template. Where a URI can be
// parted in several ways one of them is looked at.
func (t uriTemplate) makes(uri string) bool {
	if len(uri) > uriBytes {
		return false
	}
	found := t.form.FindStringSubmatch(plainURI(uri))
	if found == nil {
		return false
	}
	values := found[1:]
	for _, p := range t.parts {
		switch {
		case p.names != nil:
			if !p.makes(values[0]) {
				return false
			}
			values = values[1:]
		case strings.HasPrefix(p.text, "{"): // not understood
			return false
		}
	}
	return true
}

// makes reports whether what stands in a URI in the place of an expression has the
// characters that its values have, and no more than their prefixes.
func (p templatePart) makes(value string) bool {
	of, n := operators[p.operator], 0
	for i := 0; i < len(value); i++ {
		c := value[i]
		triplet := c == '%' && i+2 < len(value) && isHex(value[i+1]) && isHex(value[i+2])
		switch {
		case triplet && strings.IndexByte("89abAB", value[i+1]) >= 0, c&0xc0 == 0x80: // the rest of a character
		case triplet, c >= utf8.RuneSelf, isUnreserved(c), p.operator == '+', p.operator == '#', strings.IndexByte(",="+of.first+of.between, c) >= 0:
			n++
		default:
			return false
		}
		if triplet {
			i += 2
		}
	}
	return n <= p.most()
}

// most is how many characters the expression has at most.
func (p templatePart) most() int {
	of := operators[p.operator]
	most := len(of.first) + (len(p.names)-1)*len(of.between)
	for i, width := range p.widths {
		if width == 0 {
			return uriBytes
		}
		if most += width; p.named() {
			most += len(p.names[i]) + len("=")
		}
	}
	return most
}

// named reports whether values stand behind their names.
func (p templatePart) named() bool { return strings.IndexByte(";?&", max(p.operator, 1)) >= 0 }

// whole is the template without prefixes, as one reads it who does not know them.
func (t uriTemplate) whole() uriTemplate {
	parts := slices.Clone(t.parts)
	for i := range parts {
		parts[i].widths = make([]int, len(parts[i].names))
	}
	return uriTemplate{parts, t.form}
}

// expand is the URI with these values. Of a variable without one it is an x: rows
// about resources look at it.
func (t uriTemplate) expand(values map[string]string) string {
	var b strings.Builder
	for _, p := range t.parts {
		if p.names == nil {
			b.WriteString(p.text)
			continue
		}
		of := operators[p.operator]
		b.WriteString(of.first)
		for i, name := range p.names {
			if i > 0 {
				b.WriteString(of.between)
			}
			value, given := values[name]
			switch n := p.widths[i]; {
			case !given:
				value = "x"
			case n > 0 && utf8.RuneCountInString(value) > n:
				value = string([]rune(value)[:n])
			}
			if given && p.named() {
				b.WriteString(name + "=")
			}
			b.WriteString(escaped(value, p.operator == '+' || p.operator == '#'))
		}
	}
	return b.String()
}

// escaped is a value as it stands in a URI: reserved characters as they are, or
// encoded (RFC 6570, section 3.2.1).
func escaped(s string, reserved bool) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case isUnreserved(c), reserved && strings.IndexByte(":/?#[]@!$&'()*+,;=", c) >= 0,
			reserved && c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteString(strings.ToUpper(hex.EncodeToString([]byte{c})))
		}
	}
	return b.String()
}

// plainURI is a URI without encodings that change nothing, so that another spelling
// is the same.
func plainURI(s string) string {
	if s = strings.ToValidUTF8(s, "\ufffd"); !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]) {
			if c, err := hex.DecodeString(s[i+1 : i+3]); err == nil && isUnreserved(c[0]) {
				b.WriteByte(c[0])
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func isUnreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
