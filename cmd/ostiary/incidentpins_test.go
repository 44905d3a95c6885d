package main

import (
	"context"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/pin"
	"github.com/ostiary/ostiary/store"
	"github.com/ostiary/ostiary/wire"
)

// unkept is a journal that takes everything and keeps nothing.
type unkept struct{}

func (unkept) Note(ostiary.Event) error { return nil }

// sees has a server shown with this description of its one tool.
func (d *doorway) sees(server pin.Identity, upstream, description string) {
	d.t.Helper()
	s, err := store.Open(store.Options{Dir: d.state})
	if err != nil {
		d.t.Fatal(err)
	}
	defer s.Close()
	p := pin.New(pin.Options{Store: s, Journal: unkept{}, Clock: time.Now})
	defer p.Close()
	text, err := wire.Canonical([]byte(`{"name":"read","description":"` + description + `","inputSchema":{"type":"object"}}`))
	if err == nil {
		err = p.See(context.Background(), pin.Seen{
			Upstream: upstream, Principal: "walter", Identity: server, Kinds: []pin.Kind{pin.KindTool},
			Definitions: []pin.Definition{{Kind: pin.KindTool, Name: "read", Text: text}},
		})
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

// TestIncidentHoldsPins: an archive tells what each server was accepted as, when and
// by whom, and what waits, and has no secret of it.
func TestIncidentHoldsPins(t *testing.T) {
	d := newDoorway(t, "version: 1\n")
	door, _ := d.open("one")
	if _, err := door.ListTools(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	secret := "ghp_" + "Zx8Kq2Lm5Np7Rt9Vw1Yb3Cd4Fg6Hj0Sa2De5"
	program, _ := filepath.Abs("incidentpins_test.go")
	server := pin.Program([]string{program}, "")
	d.sees(server, "vault", "Reads a note.")
	d.sees(server, "vault", "Reads any note.")
	d.command("pin", "accept", "vault/read", "--reason", "a new version, with "+secret)
	d.sees(server, "vault", "Reads a note with "+secret+".")

	export := func(args ...string) (text string, found []pin.Pin) {
		file := filepath.Join(t.TempDir(), "incident.tar.gz")
		d.command(append([]string{"incident", "export", "--since", "1h", "-o", file}, args...)...)
		out, err := exec.Command("ostiary", "incident", "verify", "--json", file).Output()
		if err != nil || !strings.Contains(string(out), `"name": "pins"`) {
			t.Errorf("verify: %v: %s", err, out)
		}
		text = unpacked(t, file)["pins"]
		for line := range strings.Lines(text) {
			var one pin.Pin
			if err := json.Unmarshal([]byte(line), &one); err != nil {
				t.Fatal(err)
			}
			found = append(found, one)
		}
		return text, found
	}
	text, found := export()
	if strings.Contains(text, secret) || strings.Contains(text, `\"words\"`) {
		t.Errorf("the archive has a secret: %s", text)
	}
	at := map[string]pin.Pin{}
	for _, one := range found {
		at[one.String()] = one
	}
	if one := at["one (server)"]; len(one.Accepted) != 1 || one.Accepted[0].Digest != "" || !strings.Contains(one.Accepted[0].Text, `"program":"/`) {
		t.Errorf("a server whose words are left out: %+v", one)
	}
	if one := at["vault (server)"]; len(one.Accepted) != 1 || one.Accepted[0].Text != server.String() || len(one.Accepted[0].Digest) != 64 {
		t.Errorf("a server: %+v", one)
	}
	read := at["vault/read"]
	if len(read.Accepted) != 1 || len(read.Waiting) != 1 {
		t.Fatalf("the tool: %+v", read)
	}
	now, waits := read.Accepted[0], read.Waiting[0]
	if !strings.Contains(now.Text, "Reads any note.") || len(now.Digest) != 64 || time.Since(now.Since) > time.Hour ||
		now.By == "" || now.Channel != "cli" || !strings.HasPrefix(now.Reason, "a new version, with [REDACTED:") {
		t.Errorf("what was accepted: %+v", now)
	}
	if !strings.Contains(waits.Text, "Reads a note with [REDACTED:") || waits.Digest != "" || waits.Principal != "walter" {
		t.Errorf("what waits: %+v", waits)
	}

	text, found = export("--upstream", "vault", "--principal", "rita")
	for _, one := range found {
		if one.Upstream != "vault" {
			t.Errorf("a server that was not asked for: %+v", one)
		}
	}
	if len(found) != 2 || strings.Contains(text, "walter") {
		t.Errorf("of one server and for one principal: %s", text)
	}
}
