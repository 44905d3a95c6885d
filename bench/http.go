package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"path/filepath"
	"time"
)

// The ways from the callers to the echo server over HTTP.
const (
	webDirect  = "direct"
	webProxy   = "bare reverse proxy"
	webSDK     = "SDK relay"
	webReads   = "ostiary, closed-world read"
	webEffects = "ostiary, effect"
	webOne     = "ostiary, read, one token for all"
	webKey     = "ostiary, read, one API key for all"
)

// webCallers is how many callers there are at most. Each has a connection, and in
// the legacy era a session, of its own.
const webCallers = 32

// webSlices is in how many parts a window is measured, with those of the other ways
// between them.
const webSlices = 3

// webCell is one column of the table.
type webCell struct {
	Era     string
	Size    int
	Callers int
}

func webCells() (all []webCell) {
	for _, era := range eras {
		for _, size := range []int{small, large} {
			for _, callers := range []int{1, webCallers} {
				all = append(all, webCell{era, size, callers})
			}
		}
	}
	return all
}

// webMeasured is the whole measurement; Rounds[i] are those of Ways[i], each with
// a sample for each of webCells.
type webMeasured struct {
	FileSystem string
	Ways       []string
	Rounds     [][][]webSample
	Idle       *webIdle `json:",omitempty"`
	Slow       *webSlow `json:",omitempty"`
}

// way is one of the ways in one round.
type way struct {
	name, tool string
	peer       *webPeer
	crowds     map[string][]*webCaller // by era
	few        bool                    // measured only with many callers and small texts
}

func measureWeb(ctx context.Context, o options) (m *webMeasured, err error) {
	m = &webMeasured{FileSystem: fileSystem(o.scratch)}
	issuer, err := newTokenIssuer(ctx)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, issuer.close()) }()
	for n := range o.rounds {
		log.Printf("http: round %d of %d", n+1, o.rounds)
		if err := m.round(ctx, o, n, issuer); err != nil {
			return m, err
		}
		if err := removeStates(o.scratch); err != nil {
			return m, err
		}
	}
	if o.ostiary == "" {
		return m, nil
	}
	if m.Idle, err = measureWebIdle(ctx, o, issuer); err != nil {
		return m, err
	}
	if m.Slow, err = measureWebSlow(ctx, o, issuer); err != nil {
		return m, err
	}
	return m, removeStates(o.scratch)
}

// round starts every way anew and lets them take turns, in an order that is drawn
// for each turn.
func (m *webMeasured) round(ctx context.Context, o options, n int, issuer *tokenIssuer) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute+100*o.window) // ends what hangs
	defer cancel()
	var open []*webPeer
	defer func() {
		for i := range open { // the last one first: who calls goes before who is called
			err = errors.Join(err, open[len(open)-1-i].end())
		}
	}()
	ways, err := startWays(ctx, o, n, issuer, &open)
	if err != nil {
		return err
	}
	if m.Ways == nil {
		m.Rounds = make([][][]webSample, len(ways))
		for _, w := range ways {
			m.Ways = append(m.Ways, w.name)
		}
	}
	cells := webCells()
	random := rand.New(rand.NewPCG(uint64(n), 7)) //nolint:gosec // to spread, not to hide
	got := make([][]webSample, len(ways))
	for i, w := range ways {
		got[i] = make([]webSample, len(cells))
		for _, c := range w.crowds {
			for _, size := range []int{large, small} { // warm up
				if _, err := driveWeb(w.peer.pid(), c, callKind{w.tool, size}, o.window/8); err != nil {
					return fmt.Errorf("%s: %w", w.name, err)
				}
			}
		}
	}
	for k, cell := range cells {
		for range webSlices {
			for _, i := range random.Perm(len(ways)) {
				w := ways[i]
				if w.few && (cell.Size != small || cell.Callers == 1) {
					continue
				}
				s, err := driveWeb(w.peer.pid(), w.crowds[cell.Era][:cell.Callers], callKind{w.tool, cell.Size}, o.window/webSlices)
				if err != nil {
					return fmt.Errorf("%s, %+v: %w", w.name, cell, err)
				}
				got[i][k].add(s)
			}
		}
	}
	for i := range ways {
		m.Rounds[i] = append(m.Rounds[i], got[i])
		for _, c := range ways[i].crowds {
			for _, one := range c {
				_ = one.conn.Close()
			}
		}
	}
	return nil
}

func startWays(ctx context.Context, o options, n int, issuer *tokenIssuer, open *[]*webPeer) (ways []way, err error) {
	start := func(p *webPeer, err error) (*webPeer, error) {
		if err == nil {
			*open = append(*open, p)
		}
		return p, err
	}
	web := filepath.Join(o.scratch, "web")
	echo, err := start(startWeb(ctx, []string{web, "echo"}, false))
	if err != nil {
		return nil, err
	}
	ways = append(ways, way{name: webDirect, tool: "echo", peer: echo})
	for name, what := range map[string]string{webProxy: "proxy", webSDK: "sdk"} {
		p, err := start(startWeb(ctx, []string{web, what, echo.url}, false))
		if err != nil {
			return nil, err
		}
		ways = append(ways, way{name: name, tool: "echo", peer: p})
	}
	if ways[1].name != webProxy {
		ways[1], ways[2] = ways[2], ways[1]
	}
	for i := range ways {
		if err := ways[i].gather(ctx, func(int) (string, error) { return "", nil }); err != nil {
			return nil, err
		}
	}
	if o.ostiary == "" {
		return ways, nil
	}
	state := filepath.Join(o.scratch, fmt.Sprintf("state-http-%d", n))
	door, err := start(startDoor(ctx, o, state, echo.url, issuer.url))
	if err != nil {
		return nil, err
	}
	key, err := apiKey(ctx, o, state, "keyed")
	if err != nil {
		return nil, err
	}
	each := func(i int) (string, error) { return issuer.token(fmt.Sprintf("caller-%d", i), door.url) }
	for _, w := range []struct {
		way
		credential func(int) (string, error)
	}{
		{way{name: webReads, tool: "echo", peer: door}, each},
		{way{name: webEffects, tool: "put", peer: door}, each},
		{way{name: webOne, tool: "echo", peer: door, few: true}, func(int) (string, error) { return issuer.token("everybody", door.url) }},
		{way{name: webKey, tool: "echo", peer: door, few: true}, func(int) (string, error) { return key, nil }},
	} {
		if err := w.gather(ctx, w.credential); err != nil {
			return nil, fmt.Errorf("%s: %w", w.name, err)
		}
		ways = append(ways, w.way)
	}
	return ways, nil
}

// gather connects the callers of a way.
func (w *way) gather(ctx context.Context, credential func(i int) (string, error)) error {
	w.crowds = map[string][]*webCaller{}
	for _, era := range eras {
		for i := range webCallers {
			secret, err := credential(i)
			if err != nil {
				return err
			}
			c, err := dialWeb(ctx, w.peer.url, era, secret)
			if err != nil {
				return fmt.Errorf("%s: %w", era, err)
			}
			w.crowds[era] = append(w.crowds[era], c)
		}
	}
	return nil
}
