package credential

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"github.com/ostiary/ostiary"
)

// Options are what one server's credential is made of. All fields without a stated
// default are required.
type Options struct {
	// Server is the name in messages.
	Server string
	// Header is the field that carries the credential.
	Header string
	// Common is for everybody; nil for nobody. Principals are those of single
	// principals by their id; where there are any, the others get Common.
	Common     *Source
	Principals map[string]Source
	// Env is the environment of programs, Dir the directory in which they run.
	Env []string
	Dir string
	// ReadFile reads a small text file without the line end behind it. Its errors
	// hold nothing of the text.
	ReadFile func(path string) (string, error)
	// Least is how many bytes a text must have that a file or a program gives.
	Least int
	Now   func() time.Time
	// Learn is told every value and its parts before the value is used.
	Learn func(source string, secrets ...string)
}

// Source is where one credential comes from: OAuth, or the parts of a text.
type Source struct {
	Parts []Part
	// Refresh is after how long programs run again; 5 minutes by default.
	Refresh time.Duration
	OAuth   *OAuth
}

// Part is a piece of a text; exactly one field is set.
type Part struct {
	Text string
	// File is the absolute name of a file.
	File string
	// Exec is the command line of a program, by its absolute name or to be found in
	// PATH. It is given to no shell.
	Exec []string
}

// Credential gives the header of one server's requests. It is safe for many
// goroutines.
type Credential struct {
	o      Options
	common value
	own    map[string]value
}

// value is what changes: a text or a token.
type value interface {
	get(ctx context.Context) (string, error)
	// renew looks for another value after this one was refused, and reports
	// whether there is one.
	renew(ctx context.Context, refused string) bool
}

// New makes the credential. Nothing is read, run or asked before it is needed.
func New(o Options) *Credential {
	c := &Credential{o: o, own: make(map[string]value, len(o.Principals))}
	if o.Common != nil {
		c.common = newValue(o, "common", *o.Common)
	}
	for id, s := range o.Principals {
		c.own[id] = newValue(o, "principal "+id, s)
	}
	return c
}

func newValue(o Options, whose string, s Source) value {
	source := o.Server + " " + whose
	if s.OAuth != nil {
		return newToken(o, source, s)
	}
	return newText(o, source, s.Parts, s.Refresh)
}

// Own reports whether a principal has a credential of its own, which must not
// share connections with another's.
func (c *Credential) Own(principal string) bool { return c.own[principal] != nil }

func (c *Credential) of(principal string) (value, error) {
	if v := c.own[principal]; v != nil {
		return v, nil
	}
	if c.common != nil {
		return c.common, nil
	}
	return nil, &ostiary.Error{Code: ostiary.CodeCredentialMissing,
		Message: "the operator has given you no credential for the server " + c.o.Server + ": ask for one under credential.principals",
		Reason:  "the principal " + principal + " is not listed under credential.principals"}
}

// Header returns the fields that a request of the principal carries.
func (c *Credential) Header(ctx context.Context, principal string) (http.Header, error) {
	v, err := c.of(principal)
	if err != nil {
		return nil, err
	}
	text, err := v.get(ctx)
	if err != nil {
		return nil, err
	}
	return http.Header{http.CanonicalHeaderKey(c.o.Header): {text}}, nil
}

// Renew is called after the server refused the fields that Header gave. It reports
// whether Header gives others now.
func (c *Credential) Renew(ctx context.Context, principal string, refused http.Header) bool {
	v, err := c.of(principal)
	return err == nil && v.renew(ctx, refused.Get(c.o.Header))
}

// unavailable explains why a source gives nothing. why is for the operator and
// holds nothing secret.
func unavailable(source, why string, err error) *ostiary.Error {
	return &ostiary.Error{Code: ostiary.CodeCredentialUnavailable, Err: err, RetryAfter: again,
		Message: "the door's own credential for the server cannot be had now, so the call was not sent: try again later, or ask the operator to look at it",
		Reason:  "the credential of " + source + ": " + why}
}

// secrets are the parts of a value that must not come back: the whole, what
// stands behind the scheme, and the password of the basic scheme (RFC 7617).
func secrets(text string, parts []string) []string {
	all := append([]string{text}, parts...)
	scheme, rest, ok := strings.Cut(text, " ")
	if !ok {
		return all
	}
	all = append(all, strings.TrimSpace(rest))
	if strings.EqualFold(scheme, "basic") {
		if plain, err := base64.StdEncoding.DecodeString(strings.TrimSpace(rest)); err == nil {
			_, password, _ := strings.Cut(string(plain), ":")
			all = append(all, string(plain), password)
		}
	}
	return all
}
