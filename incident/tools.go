package incident

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/wire"
)

// catalogListed is the event that a server listed other tools than before. Its
// subject is the digest of the list, which the state directory keeps by that name.
const catalogListed = "catalog_listed"

// listings are the digests of what servers listed, by server: the newest before
// the time that is looked at, and those within.
type listings map[string]*listing

type listing struct {
	at     time.Time
	before string
	within map[string]bool
}

// mostLists bounds a server that never lists the same twice; the state directory
// keeps fewer.
const mostLists = 1000

// add takes such an event, unless it is of later, and tells whether it was one.
func (l listings) add(r *audit.Record, since, until time.Time) bool {
	if r.Kind != audit.KindEvent || r.Code != catalogListed || !until.IsZero() && !r.Time.Before(until) {
		return false
	}
	of := l[r.Upstream]
	if of == nil {
		of = &listing{within: map[string]bool{}}
		l[r.Upstream] = of
	}
	switch {
	case r.Time.Before(since):
		if of.before == "" || !r.Time.Before(of.at) {
			of.at, of.before = r.Time, r.Subject
		}
	case len(of.within) < mostLists:
		of.within[r.Subject] = true
	}
	return true
}

// addTools packs what the servers of the selected records listed at that time, and
// for a server of which no event tells, the list that was kept last.
func (e *exporter) addTools() error {
	for _, server := range slices.Sorted(maps.Keys(e.servers)) {
		all := []Tools{{Upstream: server, State: "kept"}}
		if of := e.lists[server]; of != nil {
			if of.before != "" {
				of.within[of.before] = true
			}
			all = all[:0]
			for _, digest := range slices.Sorted(maps.Keys(of.within)) {
				all = append(all, Tools{Upstream: server, Digest: digest, State: "listed"})
			}
		}
		for _, t := range all {
			if err := e.addList(t); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *exporter) addList(t Tools) error {
	path := filepath.Join(e.State, "catalog", t.Upstream+".json")
	if t.State == "listed" {
		path = filepath.Join(e.State, "catalog", "history", t.Upstream+"-"+t.Digest+".json")
	}
	var text []byte
	// The names come from the log, which a version with other rules may have written.
	if !strings.ContainsAny(t.Upstream+t.Digest, "/\x00") {
		var err error
		if text, err = readSmall(path); err != nil {
			return err
		}
	}
	switch {
	case text == nil:
		t.State = "missing"
	case t.State == "listed" && digestOfTools(text) != t.Digest:
		t.State = "changed"
	default:
		t.File = fmt.Sprintf("tools/%06d.json", len(e.m.Tools))
		if err := e.p.add(t.File, text); err != nil {
			return err
		}
	}
	e.m.Tools = append(e.m.Tools, t)
	return nil
}

// digestOfTools is the digest that the event names: of the list of tools, without
// when it was listed.
func digestOfTools(text []byte) string {
	var kept struct {
		Lists struct {
			Tools json.RawMessage `json:"tools"`
		} `json:"lists"`
	}
	if json.Unmarshal(text, &kept) != nil {
		return ""
	}
	sum, err := wire.Digest(kept.Lists.Tools)
	if err != nil {
		return ""
	}
	return hex.EncodeToString(sum[:])
}
