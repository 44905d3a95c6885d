package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/ostiary/ostiary/credential"
	"github.com/ostiary/ostiary/egress"
	"github.com/ostiary/ostiary/redact"
)

// Credential is what a server over HTTP gets from the door, in a field of the
// header.
type Credential struct {
	Header string
	// Common is for everybody, or for those whom Principals does not name.
	Common     CredentialSource
	Principals []PrincipalCredential
	// Others says what those get whom Principals does not name: refuse or common.
	Others string
	// Refresh is after how long programs run again; PassEnv are variables that they
	// get beside the few that a server gets.
	Refresh time.Duration
	PassEnv []string
}

// CredentialSource is a text, or a token of an issuer.
type CredentialSource struct {
	Value []credential.Part
	OAuth *OAuth
}

// PrincipalCredential is that of one principal.
type PrincipalCredential struct {
	Name string
	CredentialSource
}

// OAuth is a client of an issuer; see credential.OAuth.
type OAuth struct {
	credential.OAuth
	Auth         string
	AllowPrivate []string
}

func credentialKind() kind[Credential] {
	value := key("value", credentialText(), func(c *Credential) *[]credential.Part { return &c.Common.Value },
		"Its value, such as `Bearer ${file:PATH}`, or with `${env:NAME}` or `${exec:[\"PROGRAM\", \"ARGUMENT\"]}`. A file that changes is read again, a program runs again after `refresh`. It never reaches the log, the client or another server.")
	return object("a credential", nil, nil,
		key("header", checked("the name of a header field", "", checkField), func(c *Credential) *string { return &c.Header },
			"The field of the header. Default: `Authorization`."),
		value,
		key("oauth", pointer(oauthKind()), func(c *Credential) **OAuth { return &c.Common.OAuth },
			"A token that an issuer gives to the door itself, instead of a value."),
		key("principals", named("the id of a principal", principalCredential(), func(d *decoder, k ast.Node, p *PrincipalCredential) {
			if p.Name = keyText(k); p.Name == "" {
				d.fail(k, "a principal has a name: write its id")
			}
		}), func(c *Credential) *[]PrincipalCredential { return &c.Principals },
			"Credentials of single principals, each used for that principal alone. Others are refused, unless `others` says something else."),
		key("others", word("refuse", "common"), func(c *Credential) *string { return &c.Others },
			"What those get whom `principals` does not name: `refuse`, or with `common` the value or token for all. Default: `refuse`."),
		key("refresh", duration(time.Second, 24*time.Hour), func(c *Credential) *time.Duration { return &c.Refresh },
			"After how long the programs of `${exec:…}` run again. Default: `5m`."),
		key("pass_env", list(checked("the name of a variable", envName.String(), checkEnvName), false), func(c *Credential) *[]string { return &c.PassEnv },
			"Variables of the door's own environment that the programs of `${exec:…}` get, beside the few that a server gets."),
	)
}

func principalCredential() kind[PrincipalCredential] {
	return object("the credential of a principal", []string{"value", "oauth"}, nil,
		key("value", credentialText(), func(p *PrincipalCredential) *[]credential.Part { return &p.Value }, "As `value` of the credential for all."),
		key("oauth", pointer(oauthKind()), func(p *PrincipalCredential) **OAuth { return &p.OAuth }, "As `oauth` of the credential for all."),
	)
}

func oauthKind() kind[OAuth] {
	return object("a client of an issuer", []string{"token_url", "issuer"}, checkOAuth,
		key("token_url", checked("a URL", "^https?://", checkURL), func(o *OAuth) *string { return &o.TokenURL }, "The token endpoint."),
		key("issuer", checked("the URL of an issuer", "^https?://", checkURL), func(o *OAuth) *string { return &o.Issuer },
			"The issuer, whose metadata names the token endpoint (RFC 8414, or OpenID Connect discovery)."),
		must(key("client_id", text("the id of a client"), func(o *OAuth) *string { return &o.ClientID }, "As whom the door asks.")),
		must(key("client_secret", credentialText(), func(o *OAuth) *[]credential.Part { return &o.Secret }, "Its secret: `${file:PATH}`, `${env:NAME}` or `${exec:…}`.")),
		key("scopes", list(scope(), false), func(o *OAuth) *[]string { return &o.Scopes }, "The scopes that are asked for. Default: what the issuer gives."),
		key("resource", text("a URL, or none"), func(o *OAuth) *string { return &o.Resource },
			"The server that the token is for (RFC 8707). Default: its `url`. `none` asks without one, for an issuer that does not know the parameter."),
		key("auth", word("header", "body"), func(o *OAuth) *string { return &o.Auth },
			"Where the id and the secret are sent. Default: `header`."),
		key("allow_private", allowPrivate(), func(o *OAuth) *[]string { return &o.AllowPrivate }, allowPrivateDoc),
	)
}

func checkOAuth(d *decoder, at Pos, o *OAuth) {
	u, err := url.Parse(o.TokenURL + o.Issuer)
	switch {
	case err != nil:
		d.failAt(at, "this is no URL: write https://host/path")
		return
	case u.Scheme != "https" && !loopback(u.Hostname()):
		d.failAt(at, "the secret would travel in the clear: give the issuer with https, or on this machine")
		return
	}
	e, err := o.egress(nil)
	if err == nil {
		err = e.CheckURL(u)
	}
	if err != nil {
		d.failAt(at, "the issuer cannot be reached: %s", messageOf(err))
	}
}

// egress reaches the issuer and nothing else.
func (o *OAuth) egress(now func() time.Time) (*egress.Dialer, error) {
	return egress.New(egress.Options{AllowPrivate: o.AllowPrivate, Timeout: issuerTimeout, Clock: now})
}

// checkCredential sees that a credential says what everybody gets.
func checkCredential(d *decoder, at Pos, u *Upstream) {
	c := u.Credential
	common := c.Common.Value != nil || c.Common.OAuth != nil
	switch {
	case c.Common.Value != nil && c.Common.OAuth != nil:
		d.failAt(at, "a credential has a value or oauth, not both: remove one")
	case !common && len(c.Principals) == 0:
		d.failAt(at, "a credential needs a value, oauth or principals")
	case common && len(c.Principals) > 0 && c.Others != "common":
		d.failAt(at, "nobody gets the credential for all, since others than those under principals are refused: write others: common, or remove it")
	case c.Others == "common" && !common:
		d.failAt(at, "others: common needs a value or oauth for all")
	case c.Others != "" && len(c.Principals) == 0:
		d.failAt(at, "others is about those whom principals does not name: name somebody there")
	}
	if c.Header == "" {
		c.Header = "Authorization"
	}
}

// credentialText reads a text whose files and programs are looked at again later.
// Files are read now too, so that a missing one is found before the door opens;
// programs do not run for that.
func credentialText() kind[[]credential.Part] {
	const name = "a text"
	return scalar(name, map[string]any{"type": "string"}, func(d *decoder, n ast.Node, out *[]credential.Part) {
		s, ok := rawText(d, n, name)
		if !ok {
			return
		}
		parts, now := []credential.Part{}, ""
		add := func(p credential.Part, text string) {
			if now += text; p.File == "" && p.Exec == nil {
				if text == "" {
					return
				}
				if last := len(parts) - 1; last >= 0 && parts[last].Text != "" {
					parts[last].Text += text
					return
				}
			}
			parts = append(parts, p)
		}
		whole := d.pieces(n, s, func(text string) { add(credential.Part{Text: text}, text) }, func(word string) error {
			p, text, err := d.credentialPart(n, word)
			if err == nil {
				d.noteInterpolated(word, text)
				add(p, text)
			}
			return err
		})
		switch {
		case !whole:
			return
		case strings.ContainsAny(now, "\r\n\x00"):
			d.fail(n, "the credential has a line break, which a header cannot carry: write the value in one line")
		case len(parts) == 0 && !d.o.SkipSecrets:
			d.fail(n, "the credential is empty")
		}
		*out = parts
		if _, secret, ok := strings.Cut(now, " "); ok && secret == "" {
			return // only the scheme is known
		} else if ok {
			d.noteSecret("CREDENTIAL_TOKEN", secret) // the scheme may well come back
		}
		d.noteSecret("CREDENTIAL_TOKEN", now)
	})
}

// credentialPart is one ${…} of a credential and what it gives now.
func (d *decoder) credentialPart(n ast.Node, word string) (credential.Part, string, error) {
	source, name, _ := strings.Cut(word, ":")
	switch source {
	case "file":
		before := d.failed()
		text, err := d.lookup(n, word)
		if err != nil || d.failed() > before {
			return credential.Part{}, "", err
		}
		return credential.Part{File: d.absolute(n, name)}, text, nil
	case "exec":
		var command []string
		err := json.Unmarshal([]byte(name), &command)
		switch {
		case err != nil || len(command) == 0:
			return credential.Part{}, "", errors.New(`${exec:…} is a list of texts, the program and its arguments: write '${exec:["pass", "show", "tracker"]}'`)
		case !filepath.IsAbs(command[0]) && strings.ContainsRune(command[0], filepath.Separator):
			return credential.Part{}, "", fmt.Errorf("the program of ${exec:…} is %q: write its absolute path, or its name alone where it lies in PATH", brief(command[0]))
		case strings.TrimSpace(command[0]) == "" || strings.Contains(name, `\u0000`):
			return credential.Part{}, "", errors.New("${exec:…} names no program")
		}
		return credential.Part{Exec: command}, "", nil
	}
	text, err := d.lookup(n, word)
	return credential.Part{Text: text}, text, err
}

// passed are the variables of our own environment that programs get by name.
func (u *Upstream) passed() []string {
	if u.Credential == nil {
		return u.PassEnv
	}
	return append(u.PassEnv[:len(u.PassEnv):len(u.PassEnv)], u.Credential.PassEnv...)
}

// NewCredential makes what the door shows to the server; nil where there is none.
// env is the environment of its programs.
func (u *Upstream) NewCredential(w Wiring, dir string, env []string, r *redact.Redactor) (*credential.Credential, error) {
	c := u.Credential
	if c == nil {
		return nil, nil
	}
	o := credential.Options{
		Server: u.Name, Header: c.Header, Principals: make(map[string]credential.Source, len(c.Principals)), Env: env, Dir: dir,
		ReadFile: readSecret, Least: redact.MinKnown, Now: w.Now, Learn: r.Learn,
	}
	if c.Common.Value != nil || c.Common.OAuth != nil {
		common, err := u.source(w, c.Common)
		if err != nil {
			return nil, err
		}
		o.Common = &common
	}
	for _, p := range c.Principals {
		own, err := u.source(w, p.CredentialSource)
		if err != nil {
			return nil, err
		}
		o.Principals[p.Name] = own
	}
	return credential.New(o), nil
}

func (u *Upstream) source(w Wiring, s CredentialSource) (credential.Source, error) {
	source := credential.Source{Parts: s.Value, Refresh: u.Credential.Refresh}
	if s.OAuth == nil {
		return source, nil
	}
	d, err := s.OAuth.egress(w.Now)
	if err != nil {
		return source, err
	}
	a := s.OAuth.OAuth
	a.HTTP, a.Post = d.Client(), s.OAuth.Auth == "body"
	switch a.Resource {
	case "":
		a.Resource = u.URL
	case "none":
		a.Resource = ""
	}
	source.OAuth = &a
	return source, nil
}
