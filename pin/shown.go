package pin

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"regexp"
	"slices"

	"github.com/ostiary/ostiary/wire"
)

// Shown returns what a client may see of one entry of a list: entry itself if it is
// as it was accepted, or the server's list was never seen; else the form that was
// accepted last, in canonical form; nil if there is none, so that no word of it
// reaches the model before a person looked at it. An entry that parsers read
// differently is none.
func (p *Pins) Shown(ctx context.Context, upstream string, kind Kind, name string, entry []byte) ([]byte, error) {
	s, err := p.known(ctx, p.o.Ticks()-maxAge)
	if err != nil {
		return nil, err
	}
	srv := s.servers[upstream]
	if srv == nil || !slices.Contains(srv.listed, kind) {
		return entry, nil
	}
	text, err := wire.Canonical(entry)
	if err != nil {
		return nil, nil //nolint:nilerr // it is not shown
	}
	st := srv.items[item{kind, name}]
	switch {
	case st.accepts(sha256.Sum256(text)):
		return entry, nil
	case st == nil || len(st.pin.Accepted) == 0:
		return nil, nil
	}
	if last := st.pin.Accepted[len(st.pin.Accepted)-1]; last.Text != "" {
		return []byte(last.Text), nil
	}
	return nil, nil
}

// Listed reports whether a list of this kind was seen once, so that Shown can tell.
func (p *Pins) Listed(ctx context.Context, upstream string, kind Kind) (bool, error) {
	s, err := p.known(ctx, p.o.Ticks()-maxAge)
	if err != nil {
		return false, err
	}
	srv := s.servers[upstream]
	return srv != nil && slices.Contains(srv.listed, kind), nil
}

// version is what serverInfo.version may be without being a part of the greeting:
// one word, which changes with every upgrade.
var version = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.+_-]{0,63}$`)

// greeting is what a server says of itself in its handshake.
type greeting struct {
	Instructions json.RawMessage            `json:"instructions,omitempty"`
	ServerInfo   map[string]json.RawMessage `json:"serverInfo,omitempty"`
}

// Greet compares the result of a handshake (initialize, server/discover) with what
// was accepted, and returns what the client is to be shown of instructions and
// serverInfo instead: both nil where the result may pass as it is. Instructions that
// were not accepted are those that were, or "".
func (p *Pins) Greet(ctx context.Context, upstream, principal string, who Identity, result []byte) (instructions, serverInfo []byte, err error) {
	var g greeting
	if raw, ok := wire.Member(result, "instructions"); ok && string(raw) != "null" {
		g.Instructions = raw
	}
	said := []byte(nil)
	if raw, ok := wire.Member(result, "serverInfo"); ok {
		if json.Unmarshal(raw, &g.ServerInfo) != nil {
			g.ServerInfo = map[string]json.RawMessage{"serverInfo": raw}
		}
		var v string
		if json.Unmarshal(g.ServerInfo["version"], &v) == nil && version.MatchString(v) {
			said = g.ServerInfo["version"]
			delete(g.ServerInfo, "version")
		}
	}
	raw, err := json.Marshal(g)
	if err != nil {
		return nil, nil, err
	}
	text, err := wire.Canonical(raw)
	if err != nil {
		return nil, nil, err
	}
	if err := p.See(ctx, Seen{Upstream: upstream, Principal: principal, Identity: who, Kind: KindGreeting, Definitions: []Definition{{Text: text}}}); err != nil {
		return nil, nil, err
	}
	before, err := p.Shown(ctx, upstream, KindGreeting, "", text)
	if err != nil || string(before) == string(text) {
		return nil, nil, err
	}
	var old greeting
	if before != nil {
		if err := json.Unmarshal(before, &old); err != nil {
			return nil, nil, err
		}
	}
	if old.Instructions == nil {
		old.Instructions = []byte(`""`)
	}
	if old.ServerInfo == nil {
		old.ServerInfo = map[string]json.RawMessage{"name": wire.Quote(upstream)}
	}
	if old.ServerInfo["version"] == nil {
		old.ServerInfo["version"] = []byte(`"0"`)
		if said != nil {
			old.ServerInfo["version"] = said
		}
	}
	serverInfo, err = json.Marshal(old.ServerInfo)
	return old.Instructions, serverInfo, err
}
