package policy

import (
	"errors"
	"net/netip"
	"strings"

	"github.com/ostiary/ostiary"
)

// Rows about resources are held against the text of a URI, and servers read the
// same thing under many texts. So where such a row exists a URI must be written
// in the one form that rows are written in (RFC 3986, section 6.2.2), and any
// other spelling is refused before rows are looked at.

// textDecides reports whether a row looks at the text of the URI; one for every
// resource does not.
func (o *otherBook) textDecides(method string) bool {
	for i, pt := range o.resources.rows.patterns {
		if pt.rest.String() != "*" || o.resources.rows.rows[i].When != "" {
			return true
		}
	}
	for i, pt := range o.resources.deny.patterns {
		if pt.rest.String() != "*" || o.resources.deny.rows[i].When != "" {
			return true
		}
	}
	for _, id := range o.methods.rows.all(method) {
		if o.methods.rows.rows[id].When != "" {
			return true
		}
	}
	for _, id := range o.methods.deny.all(method) {
		if o.methods.deny.rows[id].When != "" {
			return true
		}
	}
	return false
}

// abnormal is the rule of a URI that could be the other spelling of a denied one.
func abnormal(err error) *ostiary.Rule {
	return &ostiary.Rule{
		Effect: ostiary.EffectRead, EffectWhy: "a resource is read",
		Forbid: &ostiary.Error{
			Code: ostiary.CodePolicyDeny, Reason: "the resource's URI is not in normal form: " + err.Error(),
			Message: "the operator's policy has rows about resources, so a URI must be in normal form, and this one is not: " +
				err.Error() + ". Send the URI in normal form, as resources/list shows it",
		},
	}
}

// normalURI returns what keeps a URI from being in normal form. Its errors do
// not repeat the URI.
func normalURI(uri string) error {
	scheme, rest, found := strings.Cut(uri, ":")
	if !found || !lowerScheme(scheme) {
		return errors.New("it must begin with its scheme in lower case, such as file:///")
	}
	if err := normalText(rest, scheme == "file"); err != nil {
		return err
	}
	path, _, queried := strings.Cut(rest, "?")
	path, _, cut := strings.Cut(path, "#")
	if authority, ok := strings.CutPrefix(path, "//"); ok {
		slash := strings.IndexByte(authority+"/", '/')
		authority, path = authority[:slash], authority[slash:]
		if err := normalAuthority(scheme, authority, path); err != nil {
			return err
		}
	} else if scheme == "file" || isWeb(scheme) {
		return errors.New("two slashes must follow its scheme, three for a file")
	}
	switch {
	case scheme == "file" && (queried || cut || strings.Contains(rest, "#")):
		return errors.New("a file has neither query nor fragment")
	case scheme == "file" && len(path) > 1 && strings.HasSuffix(path, "/"):
		return errors.New("a file's path does not end in a slash")
	case isWeb(scheme) && strings.Contains(rest, "#"):
		return errors.New("it must have no fragment")
	}
	return normalPath(path)
}

func lowerScheme(s string) bool {
	for i, c := range []byte(s) {
		letter := 'a' <= c && c <= 'z'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789+-.", rune(c))) {
			return false
		}
	}
	return s != ""
}

// isWeb knows the schemes whose hosts every reader treats as names of the DNS.
func isWeb(scheme string) bool {
	switch scheme {
	case "http", "https", "ws", "wss", "ftp":
		return true
	}
	return false
}

func normalAuthority(scheme, authority, path string) error {
	switch {
	case scheme == "file" && authority != "":
		return errors.New("a file has no host: write file:///")
	case strings.Contains(authority, "@"):
		return errors.New("it must name no user before its host")
	case !isWeb(scheme):
		return nil
	case path == "":
		return errors.New("a slash must follow its host")
	}
	host, port, ported := authority, "", false
	if i := strings.LastIndexByte(authority, ':'); i > strings.LastIndexByte(authority, ']') {
		host, port, ported = authority[:i], authority[i+1:], true
	}
	usual := map[string]string{"http": "80", "https": "443", "ws": "80", "wss": "443", "ftp": "21"}[scheme]
	if ported && (port == "" || port == usual || port[0] == '0' || strings.Trim(port, "0123456789") != "") {
		return errors.New("its port must be left out where it is the usual one")
	}
	if bare, ok := strings.CutPrefix(host, "["); ok {
		host = strings.TrimSuffix(bare, "]")
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	if strings.Contains(host, ":") || last != "" && '0' <= last[0] && last[0] <= '9' {
		if ip, err := netip.ParseAddr(host); err != nil || ip.String() != host {
			return errors.New("its host must be an address in the usual form")
		}
		return nil
	}
	if last == "" || strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789-._") != "" {
		return errors.New("its host must be in lower case, without a dot at the end")
	}
	return nil
}

const upperHex = "0123456789ABCDEF"

// normalText looks at the characters: those of a URI and no others, and none
// that is encoded without need. In the path of a file that is stricter, because
// nothing there has a meaning that encoding takes away.
func normalText(s string, file bool) error {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c != '%' {
			if !unreserved(c) && !strings.ContainsRune(":/?#[]@!$&'()*+,;=", rune(c)) {
				return errors.New("a space, a backslash, a control character or one that is not ASCII must be percent-encoded or left out")
			}
			continue
		}
		if i+2 >= len(s) {
			return errors.New("two hexadecimal digits must follow a percent sign")
		}
		high, low := strings.IndexByte(upperHex, s[i+1]), strings.IndexByte(upperHex, s[i+2])
		if high < 0 || low < 0 {
			return errors.New("two hexadecimal digits in upper case must follow a percent sign")
		}
		switch c := byte(high<<4 | low); {
		case unreserved(c), file && strings.IndexByte("!$&'()*+,;=:@", c) >= 0:
			return errors.New("a character is percent-encoded without need")
		case c < 0x20 || c == 0x7f || c == '\\':
			return errors.New("it must hold no control character and no backslash")
		case file && c == '/':
			return errors.New("a slash of a path must not be percent-encoded")
		case c == '%' && i+5 <= len(s) && encodedTwice(s[i+3:i+5]):
			return errors.New("a character is percent-encoded twice")
		}
		i += 2
	}
	return nil
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

func encodedTwice(hex string) bool {
	switch strings.ToUpper(hex) {
	case "2E", "2F", "5C", "00":
		return true
	}
	return false
}

// normalPath looks for segments that lead elsewhere or nowhere. Only the last
// may be empty.
func normalPath(path string) error {
	if strings.Contains(path, "//") {
		return errors.New("its path must have no empty part")
	}
	for part := range strings.SplitSeq(strings.ReplaceAll(path, "%2F", "/"), "/") {
		if part == "." || part == ".." {
			return errors.New("its path must have no part that is one dot or two")
		}
	}
	return nil
}

// normalPattern refuses the pattern of a resource that no URI in normal form
// matches: as a deny row it would deny nothing.
func normalPattern(rest string) error {
	scheme, after, found := strings.Cut(rest, ":")
	if found && !strings.Contains(scheme, "*") && !lowerScheme(scheme) {
		return errors.New("the scheme of a URI must be in lower case")
	}
	for part := range strings.SplitSeq(rest, "*") {
		if err := normalText(part, scheme == "file"); err != nil {
			return err
		}
	}
	if !found || strings.Contains(scheme, "*") {
		return nil
	}
	if scheme == "file" && !strings.HasPrefix(after, "///") && !strings.Contains(after[:min(3, len(after))], "*") {
		return errors.New("write a file as file:///")
	}
	after, _, _ = strings.Cut(after, "?")
	return normalPath(strings.TrimPrefix(strings.TrimPrefix(after, "//"), "/"))
}
