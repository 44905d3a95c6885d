package grant

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ostiary/ostiary"
)

// The buckets. Uses are counted apart from the grants, so that the version of
// bucketGrant changes only with what a gate must learn: a grant was made, taken
// back, or has no uses left.
const (
	bucketGrant = "grant"       // id -> Grant; group is the principal
	bucketUse   = "grant_use"   // id -> how often it was used, in decimal
	bucketToken = "grant_token" // SHA-256 of the token, in hex -> id
)

// forget is when the rows of a grant may go.
func forget(g *Grant) time.Time { return g.Expires.Add(kept) }

func put(tx ostiary.Tx, g *Grant) error {
	value, err := json.Marshal(g)
	if err != nil {
		return err
	}
	return tx.Put(bucketGrant, ostiary.Row{Key: g.ID, Group: g.Principal, Expires: forget(g), Value: value})
}

// decode refuses what it does not understand whole: a field that it does not
// know may be a restriction.
func decode(r *ostiary.Row) (*Grant, error) {
	var g Grant
	d := json.NewDecoder(bytes.NewReader(r.Value))
	d.DisallowUnknownFields()
	if err := d.Decode(&g); err != nil {
		return nil, unreadable(r.Key, err)
	}
	if g.ID != r.Key || g.Principal == "" || g.Principal != r.Group || g.Uses < 0 || g.Expires.IsZero() {
		return nil, unreadable(r.Key, fmt.Errorf("its fields contradict each other"))
	}
	return &g, nil
}

// get returns nil without error if there is no such grant.
func get(tx ostiary.Tx, id string) (*Grant, error) {
	r, err := tx.Get(bucketGrant, id)
	if err != nil || r == nil {
		return nil, err
	}
	g, err := decode(r)
	if err != nil {
		return nil, err
	}
	return g, count(tx, g)
}

// count reads how often a grant was used.
func count(tx ostiary.Tx, g *Grant) error {
	r, err := tx.Get(bucketUse, g.ID)
	if err != nil || r == nil {
		return err
	}
	n, err := strconv.Atoi(string(r.Value))
	if err != nil || n < g.Used {
		return unreadable(g.ID, fmt.Errorf("its count of uses is %q", r.Value))
	}
	g.Used = n
	return nil
}

// use counts one more use.
func use(tx ostiary.Tx, g *Grant) error {
	g.Used++
	err := tx.Put(bucketUse, ostiary.Row{Key: g.ID, Expires: forget(g), Value: strconv.AppendInt(nil, int64(g.Used), 10)})
	if err == nil && g.Used == g.Uses {
		err = put(tx, g) // so that every gate learns of it
	}
	return err
}

// unuse counts one use less. The grant's own row may hold the count as well, and
// every gate learns that there is a use left.
func unuse(tx ostiary.Tx, g *Grant) error {
	if g.Used == 0 {
		return unreadable(g.ID, errors.New("it was used, and its count of uses is 0"))
	}
	g.Used--
	err := tx.Put(bucketUse, ostiary.Row{Key: g.ID, Expires: forget(g), Value: strconv.AppendInt(nil, int64(g.Used), 10)})
	if err != nil {
		return err
	}
	return put(tx, g)
}

// byToken returns nil without error if nobody has made that token.
func byToken(tx ostiary.Tx, d digest) (*Grant, error) {
	r, err := tx.Get(bucketToken, d.String())
	if err != nil || r == nil {
		return nil, err
	}
	g, err := get(tx, string(r.Value))
	if g == nil || !g.Token || g.Digest != d.short() {
		return nil, err
	}
	return g, err
}

// chain is a grant and its ancestors, the root last.
func chain(tx ostiary.Tx, g *Grant) ([]*Grant, error) {
	all := []*Grant{g}
	for g.Parent != "" {
		parent, err := get(tx, g.Parent)
		if err != nil {
			return nil, err
		}
		if parent == nil || len(all) > maxDepth || parent.Principal != g.Principal {
			return nil, unreadable(g.ID, fmt.Errorf("its parent %s is gone or is none", g.Parent))
		}
		all = append(all, parent)
		g = parent
	}
	return all, nil
}

// maxID is how long an id is at most; a longer text may be anything.
const maxID = 20

// find looks up what a person wrote: a token, an id or the beginning of one. The
// error never repeats a token.
func find(tx ostiary.Tx, ref string) (*Grant, error) {
	ref = strings.TrimSpace(ref)
	if looksLikeToken(ref) {
		d, ok := digestOf(ref)
		if !ok {
			return nil, noSuchToken()
		}
		g, err := byToken(tx, d)
		if err == nil && g == nil {
			err = noSuchToken()
		}
		return g, err
	}
	if ref == "" || len(ref) > maxID || !utf8.ValidString(ref) || strings.ContainsFunc(ref, isControl) {
		return nil, noSuch(ref)
	}
	var found []*Grant
	for r, err := range tx.List(bucketGrant, ostiary.Query{Prefix: ref, Limit: 2}) {
		if err != nil {
			return nil, err
		}
		g, err := decode(&r)
		if err != nil {
			return nil, err
		}
		if found = append(found, g); g.ID == ref {
			break
		}
	}
	switch {
	case len(found) == 0:
		return nil, noSuch(ref)
	case len(found) > 1:
		return nil, ambiguous(ref, found[0].ID, found[1].ID)
	}
	return found[0], count(tx, found[0])
}
