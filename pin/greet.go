package pin

import (
	"bytes"
	"context"
	"encoding/json"
	"regexp"
	"slices"

	"github.com/ostiary/ostiary/wire"
)

// version is what serverInfo.version may be without being a part of what is pinned:
// one word, which changes with every upgrade.
var version = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.+_-]{0,63}$`)

// Greeting is what a server says of itself in its handshake: raw JSON, nil where it
// says nothing.
type Greeting struct{ Instructions, ServerInfo, Capabilities []byte }

// Greet compares what a server says in its handshake (initialize, server/discover)
// with what was accepted, and returns what the client is to be shown instead: a nil
// member may pass as it is. That there are no instructions is pinned at first sight;
// later it changes nothing that they are missing.
func (p *Pins) Greet(ctx context.Context, upstream, principal string, who Identity, g Greeting) (instead Greeting, err error) {
	seen := Seen{Upstream: upstream, Principal: principal, Identity: who}
	known, err := p.Listed(ctx, upstream, KindInstructions)
	if err != nil {
		return instead, err
	}
	instructions, info := g.Instructions, []byte(nil)
	if instructions == nil {
		instructions = []byte("null")
	}
	if g.Instructions != nil || !known {
		if instructions, err = wire.Canonical(instructions); err != nil {
			return instead, err
		}
		seen.Kinds = append(seen.Kinds, KindInstructions)
		seen.Definitions = append(seen.Definitions, Definition{Kind: KindInstructions, Text: instructions})
	}
	said := []byte(nil)
	if g.ServerInfo != nil {
		if info, said, err = plain(g.ServerInfo); err != nil {
			return instead, err
		}
		seen.Kinds = append(seen.Kinds, KindInfo)
		seen.Definitions = append(seen.Definitions, Definition{Kind: KindInfo, Text: info})
	}
	caps, err := special(g.Capabilities)
	if err != nil {
		return instead, err
	}
	seen.Kinds = append(seen.Kinds, KindCapability)
	seen.Definitions = append(seen.Definitions, caps.definitions()...)
	if err := p.See(ctx, seen); err != nil {
		return instead, err
	}
	if slices.Contains(seen.Kinds, KindInstructions) {
		shown, err := p.Shown(ctx, upstream, KindInstructions, "", instructions)
		switch {
		case err != nil:
			return instead, err
		case shown == nil || string(shown) == "null" && g.Instructions != nil:
			instead.Instructions = []byte(`""`)
		case !bytes.Equal(shown, instructions):
			instead.Instructions = shown
		}
	}
	if info != nil {
		shown, err := p.Shown(ctx, upstream, KindInfo, "", info)
		if err != nil {
			return instead, err
		}
		if !bytes.Equal(shown, info) {
			if instead.ServerInfo, err = whole(shown, said, upstream); err != nil {
				return instead, err
			}
		}
	}
	instead.Capabilities, err = caps.accepted(func(name string, value []byte) ([]byte, error) {
		return p.Shown(ctx, upstream, KindCapability, name, value)
	})
	return instead, err
}

// plain is serverInfo without its version where that is one word, and the version.
func plain(raw []byte) (info, said []byte, err error) {
	var members map[string]json.RawMessage
	var v string
	if json.Unmarshal(raw, &members) == nil && json.Unmarshal(members["version"], &v) == nil && version.MatchString(v) {
		said = members["version"]
		delete(members, "version")
		if raw, err = json.Marshal(members); err != nil {
			return nil, nil, err
		}
	}
	info, err = wire.Canonical(raw)
	return info, said, err
}

// whole is an accepted serverInfo with a version, which the protocol requires; where
// none was kept the server's name is the operator's.
func whole(accepted, said []byte, upstream string) ([]byte, error) {
	var members map[string]json.RawMessage
	if json.Unmarshal(accepted, &members) != nil || members == nil {
		members = map[string]json.RawMessage{"name": wire.Quote(upstream)}
	}
	if members["version"] == nil {
		members["version"] = []byte(`"0"`)
		if said != nil {
			members["version"] = said
		}
	}
	return json.Marshal(members)
}
