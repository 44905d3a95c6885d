package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ostiary/ostiary"
)

// Claims says how the claims of a token make a principal.
type Claims struct {
	// Principal is the claim that names who calls; "" is sub. The claim email
	// counts only if email_verified does not say otherwise.
	Principal string
	// Prefix stands in front of it, so that two issuers cannot name the same
	// principal.
	Prefix string
	// Scopes are given on top of those that the token carries.
	Scopes []Mapping
}

// claims are those of a verified token or of an introspection. Names are compared
// exactly.
type claims map[string]any

func decodeClaims(b []byte) (claims, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var c claims
	if err := d.Decode(&c); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) || c == nil {
		return nil, errors.New("not one JSON object")
	}
	return c, nil
}

// at returns a claim by its name, or by a JSON pointer.
func (c claims) at(name string) any {
	if !strings.HasPrefix(name, "/") {
		return c[name]
	}
	var v any = map[string]any(c)
	for part := range strings.SplitSeq(name[1:], "/") {
		object, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = object[strings.NewReplacer("~1", "/", "~0", "~").Replace(part)]
	}
	return v
}

// text is "" for what is no text.
func (c claims) text(name string) string {
	s, _ := c.at(name).(string)
	return s
}

// list reads a text as a list of one.
func (c claims) list(name string) []string {
	switch v := c.at(name).(type) {
	case string:
		return []string{v}
	case []any:
		var all []string
		for _, one := range v {
			if s, ok := one.(string); ok {
				all = append(all, s)
			}
		}
		return all
	}
	return nil
}

// when reads a NumericDate (RFC 7519, section 2); absent is the zero time.
func (c claims) when(name string) (time.Time, error) {
	v, ok := c[name]
	if !ok {
		return time.Time{}, nil
	}
	n, ok := v.(json.Number)
	if !ok {
		return time.Time{}, errors.New(name + " is no number")
	}
	f, err := n.Float64()
	const end = 253402300799 // of the year 9999
	if err != nil || f <= 0 || f > end {
		return time.Time{}, errors.New(name + " is no time")
	}
	whole, part := math.Modf(f)
	return time.Unix(int64(whole), int64(part*1e9)), nil
}

// identity is who a credential stands for.
type identity struct {
	principal ostiary.Principal
	session   string
	// audience is whom a token was made for; expires is when its time is over,
	// zero if it does not say.
	audience []string
	expires  time.Time
}

// anonymousID is the principal of those who need not say who they are.
const anonymousID = "anonymous"

// identify makes an identity of claims that were verified.
func identify(c claims, how *Claims, expand func([]string) []string) (identity, *ostiary.Error) {
	claim := how.Principal
	if claim == "" {
		claim = "sub"
	}
	name := c.text(claim)
	if verified, there := c["email_verified"]; claim == "email" && there && verified != true {
		return identity{}, because(noName(), "email_verified is not true")
	}
	id := how.Prefix + name
	if name == "" || !goodName(id) || id == anonymousID {
		return identity{}, because(noName(), "the claim %q is missing or cannot name a principal", claim)
	}
	client := c.text("client_id")
	if client == "" {
		client = c.text("azp")
	}
	session := []string{id}
	if sid := c.text("sid"); sid != "" {
		session = append(session, "sid", sid)
	} else if client != "" {
		session = append(session, "client", client)
	}
	if client != "" && !goodName(client) || !goodName(session[len(session)-1]) {
		return identity{}, because(noName(), "the client or the session of the token cannot be a name")
	}
	return identity{
		principal: ostiary.Principal{ID: id, Client: client, Scopes: settle(scopesOf(c, how.Scopes), expand)},
		session:   sessionName(oauthSession, session...),
		audience:  c.list("aud"),
	}, nil
}

func noName() *ostiary.Error {
	return refuse(ostiary.CodeAuthClaims, "the token does not say who calls in a way that can be used: the operator must look at it")
}

// goodName is one that can stand in records, limits and on a screen.
func goodName(s string) bool {
	return s != "" && len(s) <= 256 && utf8.ValidString(s) && strings.TrimSpace(s) == s &&
		!strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// sessionName joins the parts of a session so that no two lists give the same. It
// always begins with how and who, so that principals never share one.
func sessionName(how string, parts ...string) string {
	var b strings.Builder
	b.WriteString(how)
	for _, p := range parts {
		b.WriteByte('|')
		_, _ = strings.NewReplacer("%", "%25", "|", "%7C").WriteString(&b, p)
	}
	return b.String()
}

// FromToken reports whether a session is that of an OAuth token, so that its client
// can sign in anew for more scopes. What a key, a certificate or the user of a
// socket may do is settled where they were made.
func FromToken(session string) bool { return strings.HasPrefix(session, oauthSession+"|") }

// oauthSession begins the sessions of tokens.
const oauthSession = "oauth"

// inTime checks exp, nbf and iat against a clock that may be off by skew, and
// returns when the token's time is over. exp must be there if required.
func inTime(c claims, now time.Time, skew time.Duration, required bool) (time.Time, *ostiary.Error) {
	exp, err := c.when("exp")
	if err != nil || exp.IsZero() && required {
		return exp, refuse(ostiary.CodeAuthExpired, "the token does not say when it ends, so it does not count: the issuer must set exp")
	}
	if !exp.IsZero() && !now.Before(exp.Add(skew)) {
		return exp, refuse(ostiary.CodeAuthExpired, "the time of the token is over: get a new one")
	}
	for _, name := range []string{"nbf", "iat"} {
		begin, err := c.when(name)
		if err != nil || now.Add(skew).Before(begin) {
			return exp, because(refuse(ostiary.CodeAuthEarly, "the time of the token has not begun: look at the clocks"), "of its %s", name)
		}
	}
	return exp, nil
}
