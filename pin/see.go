package pin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/internal/visible"
)

// Definition is one thing that a server says of itself, in its canonical form: an
// entry of a list, or its instructions.
type Definition struct {
	Kind Kind
	Name string
	Text []byte
}

// Seen is what a server showed to somebody.
type Seen struct {
	Upstream, Principal string
	Identity            Identity
	// Kinds are those of the definitions, each of which is whole: a tool that is not
	// among them is not offered.
	Kinds       []Kind
	Definitions []Definition
}

// seesMost is how often a sight is tried to be written while others change what is
// pinned.
const seesMost = 8

var errAgain = errors.New("pin: somebody else changed what is pinned")

// See compares what a server shows with what was accepted. At first sight it is
// accepted and noted (pin_created). What differs later waits for a person and is
// noted (pin_changed); it is not accepted by being seen. The error is the store's or
// the journal's; then calls must be refused.
func (p *Pins) See(ctx context.Context, seen Seen) error {
	s, err := p.known(ctx, p.o.Ticks())
	if err != nil {
		return err
	}
	sight := newSight(seen, p.o.Clock())
	if p.asBefore(s.servers[seen.Upstream], sight) {
		return nil
	}
	for range seesMost {
		if err = p.write(ctx, sight); !errors.Is(err, errAgain) {
			break
		}
	}
	if errors.Is(err, errAgain) {
		err = &ostiary.Error{Code: ostiary.CodeStoreBusy, Err: err,
			Message: "what the server offers changes faster than it can be looked at, so calls are refused: try again"}
	}
	if err == nil {
		_, err = p.known(ctx, p.o.Ticks()+1)
	}
	return err
}

// sight is Seen with its digests.
type sight struct {
	Seen
	now     time.Time
	digests []string
	sums    []ostiary.Digest
}

func newSight(s Seen, now time.Time) *sight {
	v := &sight{Seen: s, now: now.UTC().Truncate(time.Microsecond)}
	for _, d := range s.Definitions {
		sum := sha256.Sum256(d.Text)
		v.sums, v.digests = append(v.sums, sum), append(v.digests, hex.EncodeToString(sum[:]))
	}
	return v
}

// asBefore reports whether all of it was accepted and nothing of the server waits,
// so that there is nothing to write.
func (p *Pins) asBefore(srv *server, v *sight) bool {
	if srv == nil || srv.waits || !srv.identity.accepts(v.Identity.digest) {
		return false
	}
	for _, k := range v.Kinds {
		if !slices.Contains(srv.listed, k) {
			return false
		}
	}
	for i, d := range v.Definitions {
		if !srv.items[item{d.Kind, d.Name}].accepts(v.sums[i]) {
			return false
		}
	}
	return true
}

// write notes what the sight changes, then changes it, if that is still the same.
func (p *Pins) write(ctx context.Context, v *sight) error {
	var first *plan
	err := p.o.Store.View(ctx, func(tx ostiary.Tx) (err error) {
		first, err = p.plan(tx, v)
		return err
	})
	if err != nil || len(first.rows)+len(first.gone) == 0 {
		return err
	}
	if !p.pace.take(v.Upstream, len(first.changed), v.now) {
		p.o.Logger.Warn("the server's definitions change too often; what is new stays refused and is not noted", "upstream", visible.Line(v.Upstream, 120))
		return nil
	}
	events := first.events(v)
	for _, e := range events {
		if err := p.o.Journal.Note(e); err != nil {
			return err
		}
	}
	err = p.o.Store.Update(ctx, func(tx ostiary.Tx) error {
		second, err := p.plan(tx, v)
		if err != nil {
			return err
		}
		if !slices.Equal(first.changed, second.changed) || !slices.Equal(first.created, second.created) {
			return errAgain
		}
		return second.put(tx)
	})
	if err != nil {
		return errors.Join(err, p.undone(v, events, err))
	}
	first.tell(p, v)
	return nil
}

// undone notes that what was noted may not count, since it could not be written.
func (p *Pins) undone(v *sight, events []ostiary.Event, why error) error {
	if len(events) == 0 {
		return nil
	}
	e := ostiary.Event{Name: "pin_undone", Subject: v.Upstream, Upstream: v.Upstream, Channel: channel, Detail: "what is pinned had changed meanwhile"}
	if !errors.Is(why, errAgain) {
		e.Detail = "it may not be pinned: " + ostiary.AsError(why).Error()
	}
	return p.o.Journal.Note(e)
}

// events are what a plan has in the evidence.
func (pl *plan) events(v *sight) []ostiary.Event {
	var all []ostiary.Event
	event := func(name string, what []string, more string) {
		if len(what) == 0 {
			return
		}
		e := ostiary.Event{Name: name, Subject: v.Upstream, Upstream: v.Upstream, Channel: channel, Detail: some(what) + more}
		if len(what) == 1 {
			e.Target = pl.target
		}
		all = append(all, e)
	}
	suspicious := ""
	if len(pl.findings) > 0 {
		suspicious = "; suspicious: " + some(pl.findings)
	}
	if len(pl.changed) == 0 {
		event("pin_created", pl.created, suspicious)
		return all
	}
	event("pin_created", pl.created, "")
	event("pin_changed", pl.changed, suspicious)
	return all
}

// tell says on the log, once, what a person should look at.
func (pl *plan) tell(p *Pins, v *sight) {
	up := visible.Line(v.Upstream, 120)
	if len(pl.changed) > 0 {
		p.o.Logger.Warn("the server is not as it was accepted; what is changed is refused until it is accepted",
			"upstream", up, "changed", some(pl.changed), "look", p.command("diff", v.Upstream, ""), "accept", p.command("accept", v.Upstream, ""))
	}
	for _, f := range pl.findings[:min(len(pl.findings), 5)] {
		p.o.Logger.Warn("a definition looks suspicious; `ostiary pin list` shows all findings", "upstream", up, "finding", f)
	}
}

// some are the first of many texts, on one line.
func some(all []string) string {
	const most = 10
	if len(all) <= most {
		return strings.Join(all, "; ")
	}
	return strings.Join(all[:most], "; ") + fmt.Sprintf("; and %d more", len(all)-most)
}
