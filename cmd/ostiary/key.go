package main

import (
	"crypto/rand"

	"github.com/ostiary/ostiary/auth"
)

// keyCommand makes and takes back API keys for the doors over HTTP.
type keyCommand struct {
	Create keyCreateCommand `cmd:"" help:"Make a key, which is shown this once."`
	List   keyListCommand   `cmd:"" help:"Show the keys that are live."`
	Revoke keyRevokeCommand `cmd:"" help:"Take back a key."`
}

// keys is the desk of a state directory.
type keys struct {
	*auth.Desk
	d *desk
}

func openKeys(d *desk) *keys {
	return &keys{d: d, Desk: auth.NewDesk(auth.DeskOptions{Store: d.Store, Journal: d.Journal, Clock: d.Clock, Rand: rand.Reader})}
}

func (k *keys) who() auth.Who { return auth.Who{Name: k.d.Who.Name, Channel: k.d.Who.Channel} }

// keyReport is a key in --json.
type keyReport struct {
	auth.Key
	// State is live, expired or revoked.
	State string `json:"state"`
	// Secret is the key itself; it is there only when it was made.
	Secret string `json:"secret,omitempty"`
}

func (k *keys) report(one auth.Key) keyReport {
	return keyReport{Key: one, State: one.State(k.d.Clock())}
}
