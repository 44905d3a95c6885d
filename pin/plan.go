package pin

import (
	"slices"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/internal/visible"
)

// plan is what a sight changes of the pins of one server.
type plan struct {
	rows []*Pin
	gone []*Pin
	// created, changed and findings are for people: created by first use, changed
	// since, suspicious.
	created, changed, findings []string
	target                     string // of the last tool that is named
	left                       int    // bytes of text that are kept yet
}

// plan compares a sight with the rows.
func (p *Pins) plan(tx ostiary.Tx, v *sight) (*plan, error) {
	found, err := all(tx, ostiary.Query{Group: groupOf(v.Upstream)})
	if err != nil {
		return nil, err
	}
	pl := &plan{left: textsMost}
	rows := map[item]*Pin{}
	for _, one := range found {
		if one.Upstream == v.Upstream {
			rows[item{one.Kind, one.Name}] = one
		}
	}
	self := rows[item{kind: KindServer}]
	if self == nil {
		self = &Pin{Upstream: v.Upstream, Kind: KindServer}
	}
	form := Form{Digest: hexOf(v.Identity.digest), Text: string(v.Identity.text)}
	touched := pl.compare(self, form, v, len(self.Accepted) == 0)
	first := map[Kind]bool{}
	for _, k := range v.Kinds {
		if !slices.Contains(self.Listed, k) {
			self.Listed, touched, first[k] = append(self.Listed, k), true, true
		}
	}
	if touched {
		pl.rows = append(pl.rows, self)
	}
	// The first list of another kind, or of a server that was exchanged meanwhile, is
	// no first sight of what it is called: only the accepted server's is.
	if index(self.Accepted, form.Digest) < 0 {
		clear(first)
	}
	if err := pl.definitions(p, tx, v, rows, first); err != nil {
		return nil, err
	}
	pl.forget(v, rows)
	return pl, nil
}

func (pl *plan) definitions(p *Pins, tx ostiary.Tx, v *sight, rows map[item]*Pin, first map[Kind]bool) error {
	var others *neighbours
	for i, d := range v.Definitions {
		at := item{d.Kind, d.Name}
		one := rows[at]
		if one == nil {
			one = &Pin{Upstream: v.Upstream, Kind: d.Kind, Name: d.Name}
		}
		form := Form{Digest: v.digests[i]}
		if index(one.Accepted, form.Digest) < 0 && index(one.Waiting, form.Digest) < 0 {
			if len(d.Text) <= textMost && pl.left >= len(d.Text) {
				form.Text = string(d.Text)
				pl.left -= len(d.Text)
			}
			form.Findings = suspicions(d.Kind, v.Upstream, d.Text, p.o.Inspect)
			if d.Kind == KindTool {
				if others == nil {
					found, err := neighboursOf(tx, v.Upstream)
					if err != nil {
						return err
					}
					others = found
				}
				form.Shadows = others.shadows(d.Name, d.Text)
				form.Held = slices.ContainsFunc(form.Shadows, func(s Shadow) bool { return p.o.Shadowing.refuses(s) })
			}
		}
		if pl.compare(one, form, v, first[d.Kind] && !form.Held) {
			pl.rows = append(pl.rows, one)
		}
	}
	return nil
}

// compare puts a form into its pin and reports whether that changes it: accepted at
// first use, else to wait.
func (pl *plan) compare(one *Pin, form Form, v *sight, first bool) bool {
	form.Since, form.Principal = v.now, v.Principal
	name := visible.Line(one.String(), 200)
	switch i := index(one.Waiting, form.Digest); {
	case index(one.Accepted, form.Digest) >= 0:
		return one.unwait(v.Principal)
	case i >= 0:
		if one.Waiting[i].Principal == v.Principal {
			return false
		}
		one.Waiting[i].Principal = v.Principal
		return true
	case first:
		form.Channel, form.Principal = channel, ""
		one.Accepted = append(one.Accepted, form)
		pl.created = append(pl.created, name)
	default:
		one.unwait(v.Principal)
		if one.Waiting = append(one.Waiting, form); len(one.Waiting) > waitingMost {
			one.Waiting = one.Waiting[1:]
		}
		pl.changed = append(pl.changed, name+" "+one.difference(&form))
	}
	if one.Kind == KindTool {
		pl.target = one.Name
	}
	for _, f := range form.Findings {
		pl.findings = append(pl.findings, name+": "+f)
	}
	for _, s := range form.Shadows {
		pl.findings = append(pl.findings, name+": "+s.String())
	}
	return true
}

// difference says in a few words what is new about a form.
func (p *Pin) difference(f *Form) string {
	switch {
	case f.Held:
		return "(passes for another server's)"
	case len(p.Accepted) == 0:
		return "(new)"
	}
	if where := places(p.Accepted[len(p.Accepted)-1].Text, f.Text); where != "" {
		return "(changed: " + where + ")"
	}
	return "(changed)"
}

// unwait forgets the forms that this principal was shown before it saw another one.
func (p *Pin) unwait(principal string) bool {
	n := len(p.Waiting)
	p.Waiting = slices.DeleteFunc(p.Waiting, func(f Form) bool { return f.Principal == principal })
	return len(p.Waiting) != n
}

// forget drops what waited and is not offered any more, so that nobody accepts
// what is not there.
func (pl *plan) forget(v *sight, rows map[item]*Pin) {
	offered := make(map[item]bool, len(v.Definitions))
	for _, d := range v.Definitions {
		offered[item{d.Kind, d.Name}] = true
	}
	for at, one := range rows {
		if !slices.Contains(v.Kinds, at.kind) || offered[at] || !one.unwait(v.Principal) {
			continue
		}
		if len(one.Accepted)+len(one.Waiting) == 0 {
			pl.gone = append(pl.gone, one)
		} else {
			pl.rows = append(pl.rows, one)
		}
	}
}

func (pl *plan) put(tx ostiary.Tx) error {
	for _, one := range pl.rows {
		r, err := one.row()
		if err == nil {
			err = tx.Put(bucket, r)
		}
		if err != nil {
			return err
		}
	}
	for _, one := range pl.gone {
		if err := tx.Delete(bucket, keyOf(one.Upstream, one.Kind, one.Name)); err != nil {
			return err
		}
	}
	return nil
}
