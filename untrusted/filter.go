package untrusted

import (
	"context"
	"encoding/base32"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// Options are what a Filter is made of. The zero value is not usable: a fence
// needs a Nonce.
type Options struct {
	// Nonce is where the names of fences are drawn from: crypto/rand.Reader. It is
	// read by many goroutines at once. Required.
	Nonce io.Reader
	// Style is how text is marked where the rule of a target names no style.
	Style Style
	// Signal says how much a text reads like an instruction, from 0 to 1, and by
	// which rules. It gets the text as it is written, without the escapes of JSON,
	// and only until it returns. nil asks nobody.
	Signal func(c *ostiary.Call, text []byte) (score float64, rules []string)
	// Conforms reports whether structured content fits an output schema. Without it
	// none does in which something was shown that hid.
	Conforms func(outputSchema, content []byte) bool
	// Redact takes secrets out of the name of a source, in which a client may have
	// written one; nil leaves it.
	Redact func(string) string
	// BlockAt withholds what scores at least so high, where the rule of a target
	// says nothing; 0 never does.
	BlockAt float64
}

// Filter marks what comes back. It is immutable and safe for many goroutines.
type Filter struct {
	o      Options
	shapes *shapes
	escape []byte    // a backslash, inside of a JSON string
	room   sync.Pool // of *pass
}

var _ ostiary.Filter = (*Filter)(nil)

// NewFilter makes a Filter. The error is an *ostiary.Error.
func NewFilter(o Options) (*Filter, error) {
	switch {
	case o.Nonce == nil:
		return nil, &ostiary.Error{Code: ostiary.CodeConfigInvalid, Message: "the marking of untrusted text needs a source of randomness"}
	case o.Style > StyleOff:
		return nil, &ostiary.Error{Code: ostiary.CodeConfigInvalid, Message: "the marking of untrusted text does not know this style"}
	}
	return &Filter{o: o, shapes: newShapes(), escape: []byte(`\\`)}, nil
}

// Name implements ostiary.Filter.
func (f *Filter) Name() string { return "untrusted" }

// Apply implements ostiary.Filter. It is an error of [ostiary.CodeUntrustedSignal]
// if a text reads so much like an instruction that the rule withholds it.
func (f *Filter) Apply(_ context.Context, c *ostiary.Call, r *ostiary.Result) error {
	if len(r.Body) == 0 {
		return nil
	}
	p, _ := f.room.Get().(*pass)
	if p == nil {
		p = &pass{}
	}
	defer f.room.Put(p)
	defer p.end()
	if p.told, _ = r.Read.(*wire.Reading); p.told != nil {
		r.Read = nil
		defer p.told.Release()
		if !p.told.Of(r.Body) {
			p.told = nil
		}
	}
	p.f, p.c, p.r, p.style = f, c, r, f.style(c.Rule)
	p.lists, p.answers = strings.HasSuffix(c.Method, "/list"), answers(c.Method)
	p.read(f.shapes.of(c.Method, r.Status == ostiary.StatusRPCError, opening(r.Body, 0, '{') > 0))
	if p.withhold != nil {
		return p.withhold
	}
	if err := p.mark(); err != nil {
		return err
	}
	if len(p.edits) == 0 {
		return nil
	}
	if p.public > 0 { // what was changed for one caller must not be kept for others
		p.edit(p.public, p.public+len("public"), []byte("private"))
	}
	slices.SortStableFunc(p.edits, func(a, b wire.Edit) int { return a.Start - b.Start })
	body, err := wire.Splice(r.Body, p.edits...)
	if err != nil {
		return err
	}
	if err := p.conforms(body); err != nil {
		return err
	}
	r.Body = body
	return nil
}

// style is how text of a call is marked.
func (f *Filter) style(rule *ostiary.Rule) Style {
	switch {
	case rule == nil:
		return f.o.Style
	case rule.Output.Trusted:
		return StyleOff
	}
	if i := slices.Index(styles[:], rule.Output.Mark); i >= 0 {
		return Style(i)
	}
	return f.o.Style
}

// nonceBytes are how many bytes of randomness a name has.
const nonceBytes = 10

// nonce is the name of a fence, drawn for one result.
func (f *Filter) nonce() (string, error) {
	var b [nonceBytes]byte
	if _, err := io.ReadFull(f.o.Nonce, b[:]); err != nil {
		return "", &ostiary.Error{Code: ostiary.CodeInternal, Err: err,
			Message: "the answer could not be marked as untrusted, so it was withheld: whether the call took effect is unknown; tell the operator"}
	}
	return base32.StdEncoding.EncodeToString(b[:]), nil
}
