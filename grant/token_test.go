package grant

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

func with(token string, change ...func(c *ostiary.Call)) *ostiary.Call {
	c := call("delete_file")
	c.Token = token
	for _, f := range change {
		f(c)
	}
	return c
}

func TestToken(t *testing.T) {
	h := newHouse(t)
	g, token := h.token(Terms{Token: true, Uses: 2, When: "path=a", Session: "s1", For: time.Hour})
	if raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(token, "ost_cap_")); err != nil || len(raw) != 32 || !strings.HasPrefix(token, "ost_cap_") {
		t.Fatalf("%d bytes, %v", len(raw), err)
	}
	h.expect("without it", call("delete_file"), "asks")
	for what, c := range map[string]*ostiary.Call{
		"another tool":                  with(token, func(c *ostiary.Call) { c.Target = "move_file" }),
		"another upstream":              with(token, func(c *ostiary.Call) { c.Upstream = "other" }),
		"other arguments":               with(token, func(c *ostiary.Call) { c.Args = map[string]any{"path": "b"} }),
		"a prompt":                      with(token, func(c *ostiary.Call) { c.Class = ostiary.ClassPrompt }),
		"another tool that asks nobody": with(token, func(c *ostiary.Call) { c.Target, c.Rule.Ask = "move_file", "" }),
	} {
		h.expect(what, c, "grant_mismatch")
	}
	h.expect("a call that asks nobody takes no use", with(token, func(c *ostiary.Call) { c.Rule.Ask = "" }), "asks")
	h.expect("a dry run takes no use", with(token, func(c *ostiary.Call) { c.DryRun = true }), "asks")
	h.expect("report only takes no use", with(token, func(c *ostiary.Call) { c.Rule.ReportOnly = true }), "grant "+g.ID)
	if n := h.used(g.ID); n != 0 {
		t.Fatalf("used %d times", n)
	}
	h.expect("the first use", with(token), "grant "+g.ID)
	h.expect("the second use", with(token), "grant "+g.ID)
	h.expect("the third use", with(token), "grant_used")
	h.pass(time.Hour)
	h.expect("too late", with(token), "grant_expired")

	g, token = h.token(Terms{Token: true, For: time.Hour})
	h.pass(DefaultLife)
	h.expect("older than the rule admits", with(token), "grant_expired")
	h.expect("control", with(token, func(c *ostiary.Call) { c.Rule.Grant.Max = time.Hour }), "grant "+g.ID)
	if _, err := h.desk.Revoke(t.Context(), token, dora, "found in a chat"); err != nil {
		t.Fatal(err)
	}
	h.expect("taken back", with(token), "grant_revoked")
}

// Whoever does not own a token learns nothing from it, whatever its state.
func TestNoOracle(t *testing.T) {
	h := newHouse(t)
	_, live := h.token(Terms{Token: true, Session: "s1", For: time.Hour})
	_, revoked := h.token(Terms{Token: true})
	_, expired := h.token(Terms{Token: true, For: time.Second})
	_, used := h.token(Terms{Token: true, Uses: 1})
	h.expect("control", with(used), "grant "+h.mustGet(used).ID)
	if _, err := h.desk.Revoke(t.Context(), revoked, dora, "r"); err != nil {
		t.Fatal(err)
	}
	h.pass(time.Second)
	for want, token := range map[string]string{"grant_revoked": revoked, "grant_expired": expired, "grant_used": used} {
		h.expect("to its owner", with(token), want)
	}
	bob := func(c *ostiary.Call) { c.Principal.ID = "bob" }
	elsewhere := func(c *ostiary.Call) { c.Session = "s2" }
	nobody := func(c *ostiary.Call) { c.Principal.ID = "" }
	unknown := tokenPrefix + strings.Repeat("A", 43)
	var first *ostiary.Error
	for what, c := range map[string]*ostiary.Call{
		"unknown": with(unknown), "of nobody's form": with("password"), "cut": with(live[:len(live)-1]), "longer": with(live + "A"),
		"another's, live": with(live, bob), "another's, revoked": with(revoked, bob), "another's, expired": with(expired, bob),
		"another's, used": with(used, bob), "another session's": with(live, elsewhere), "nobody's": with(live, nobody),
		"another's for another tool": with(live, bob, func(c *ostiary.Call) { c.Target = "move_file" }),
	} {
		gate := h.newGate() // so that guessing is not counted
		d, err := gate.Check(t.Context(), c)
		e := ostiary.AsError(err)
		if err == nil || e.Code != ostiary.CodeGrantUnknown {
			t.Errorf("%s: got %+v, %v", what, d, err)
			continue
		}
		if first == nil {
			first = e
		}
		if e.Error() != first.Error() || e.RetryAfter != first.RetryAfter {
			t.Errorf("%s: %q is not %q", what, e, first)
		}
	}
	h.expect("control", with(live), "grant "+h.mustGet(live).ID)
}

func (h *house) mustGet(ref string) Grant {
	h.t.Helper()
	g, err := h.desk.Get(h.t.Context(), ref)
	if err != nil {
		h.t.Fatal(err)
	}
	return g
}

// No byte of a token is kept, logged, noted or said.
func TestTokenIsKeptNowhere(t *testing.T) {
	h := newHouse(t)
	g, token := h.token(Terms{Token: true, Uses: 1})
	var said []string
	check := func(c *ostiary.Call) {
		d, err := h.gate.Check(t.Context(), c)
		if err != nil {
			said = append(said, err.Error(), ostiary.Refused("grant", err).Reason)
		}
		said = append(said, d.Reason, d.Message, d.Under)
		if d.Hold != nil {
			if err := d.Hold.Commit(); err != nil {
				said = append(said, err.Error())
			}
		}
	}
	check(with(token))
	check(with(token))
	check(with(token, func(c *ostiary.Call) { c.Target = "x" }))
	for range 7 {
		check(with(token, func(c *ostiary.Call) { c.Session, c.Principal.ID = "s9", "bob" }))
	}
	for _, ref := range []string{" " + token + "x", token + "x", token, token[:20], strings.ToUpper(token[:9]) + token[9:], token[8:], " " + token[8:] + " "} {
		if _, err := h.desk.Get(t.Context(), ref); err != nil {
			said = append(said, err.Error())
		}
		_, err := h.desk.Revoke(t.Context(), ref, dora, "r")
		if err != nil {
			said = append(said, err.Error())
		}
		if _, _, err := h.desk.Create(t.Context(), Terms{Principal: "alice", Pattern: "*/*", Reason: "r", Parent: ref}, dora); err != nil {
			said = append(said, err.Error())
		}
	}
	all, err := h.desk.List(t.Context(), Filter{All: true})
	if err != nil {
		t.Fatal(err)
	}
	value, err := h.rows()
	if err != nil {
		t.Fatal(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	places := map[string][]byte{"what was said": []byte(strings.Join(said, "\n")), "the log": h.log.Bytes(), "rows": value}
	for _, e := range h.events {
		places["events"] = append(places["events"], strings.Join([]string{e.Subject, e.Target, e.Reason, e.Detail}, "\n")...)
	}
	for _, one := range all {
		places["list"] = append(places["list"], one.ID+one.Digest+one.RevokedWhy...)
	}
	if err := filepath.WalkDir(h.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		places[path], err = os.ReadFile(path)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(token, tokenPrefix))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for place, content := range places {
		for i := len(tokenPrefix); i+8 <= len(token); i++ {
			if bytes.Contains(content, []byte(token[i:i+8])) {
				t.Errorf("%s: contains 8 characters of the token", place)
				break
			}
		}
		if bytes.Contains(content, raw[:8]) {
			t.Errorf("%s: contains bytes of the token", place)
		}
		seen["digest"] = seen["digest"] || bytes.Contains(content, []byte(g.Digest))
		seen["id"] = seen["id"] || bytes.Contains(content, []byte(g.ID))
	}
	if !seen["digest"] || !seen["id"] { // else the search would find nothing
		t.Errorf("control: digest or id are nowhere: %v", seen)
	}
}

func (h *house) rows() (all []byte, err error) {
	err = h.st.View(h.t.Context(), func(tx ostiary.Tx) error {
		for _, b := range []string{bucketGrant, bucketToken, bucketUse} {
			for r, err := range tx.List(b, ostiary.Query{}) {
				if err != nil {
					return err
				}
				all = append(append(all, r.Key...), r.Value...)
			}
		}
		return nil
	})
	return all, err
}

// Guessing is stopped after five, told exactly, reported once.
func TestGuessing(t *testing.T) {
	h := newHouse(t)
	g, token := h.token(Terms{Token: true, For: time.Hour})
	bad := func() *ostiary.Call { return with(tokenPrefix + strings.Repeat("B", 43)) }
	for range 4 {
		h.expect("wrong", bad(), "grant_unknown")
	}
	h.pass(guessWindow)
	for range 4 { // the first four are forgotten
		h.expect("wrong again", bad(), "grant_unknown")
	}
	h.expect("a right one in between", with(token), "grant "+g.ID)
	if got := len(h.noted()); got != 1 {
		t.Fatalf("noted %v", h.noted())
	}
	h.expect("the fifth", bad(), "grant_unknown")
	if got := h.noted(); len(got) != 2 || got[1] != "grant_guessing" {
		t.Fatalf("noted %v", got)
	}
	if e := h.events[1]; e.Principal != "alice" || e.Session != "s1" || e.Call != "c1" || e.Channel != "gateway" {
		t.Errorf("noted %+v", e)
	}
	if !strings.Contains(h.log.String(), "level=WARN") {
		t.Errorf("the operator read %q", h.log.String())
	}
	h.pass(20 * time.Second)
	for _, c := range []*ostiary.Call{bad(), with(token)} {
		_, err := h.gate.Check(t.Context(), c)
		if e := ostiary.AsError(err); e.Code != ostiary.CodeGrantGuessing || e.RetryAfter != 40*time.Second {
			t.Errorf("got %v, wait %v", err, e.RetryAfter)
		}
	}
	h.expect("another principal", with(token, func(c *ostiary.Call) { c.Principal.ID = "bob" }), "grant_unknown")
	h.expect("a call without a token", call("delete_file"), "asks")
	// No token is looked at: the store may as well be away.
	h.gate.o.Store = broken{}
	h.expect("without a look", bad(), "grant_guessing")
	h.gate.o.Store = h.st
	h.pass(40*time.Second - 1)
	h.expect("one nanosecond early", with(token), "grant_guessing")
	h.pass(1)
	h.expect("as long as was said", with(token, func(c *ostiary.Call) { c.Rule.Grant.Max = time.Hour }), "grant "+g.ID)
	h.expect("one more mistake is only one", bad(), "grant_unknown")
	if got := h.noted(); len(got) != 2 {
		t.Errorf("noted %v", got)
	}
}

// Control: without the count, as many tokens as wanted are looked at.
func TestGuessingControl(t *testing.T) {
	h := newHouse(t)
	for range 50 {
		if got := h.try(h.newGate(), with(tokenPrefix+strings.Repeat("B", 43))); got != "grant_unknown" {
			t.Fatal(got)
		}
	}
}

// An owner's tokens that are over are no guesses.
func TestOverIsNoGuess(t *testing.T) {
	h := newHouse(t)
	_, token := h.token(Terms{Token: true, For: time.Second})
	h.pass(time.Second)
	for range 20 {
		h.expect("over", with(token), "grant_expired")
	}
}

// An alert that cannot be written refuses like everything that cannot.
func TestGuessingUnrecorded(t *testing.T) {
	h := newHouse(t)
	h.fails = &ostiary.Error{Code: ostiary.CodeAuditUnavailable, Message: "full"}
	for range 4 {
		h.expect("wrong", with("x"), "grant_unknown")
	}
	h.expect("the fifth", with("x"), "audit_unavailable")
	h.expect("and the pause holds", with("x"), "grant_guessing")
}

// Memory does not grow with those who have stopped guessing.
func TestGuessersAreForgotten(t *testing.T) {
	var s guesses
	now := time.Unix(0, 0)
	for i := range 3 * manyGuessers {
		now = now.Add(time.Second)
		s.failed(string(rune('a'+i%26))+time.Duration(i).String(), now)
	}
	if n := len(s.of); n > manyGuessers+1 {
		t.Errorf("%d are remembered", n)
	}
}

func TestDigestOf(t *testing.T) {
	h := newHouse(t)
	_, token := h.token(Terms{Token: true})
	if _, ok := digestOf(token); !ok {
		t.Error("control: a token is none")
	}
	for _, s := range []string{"", tokenPrefix, token[8:], token + " ", " " + token, token[:50], strings.Repeat("a", 1<<20)} {
		if _, ok := digestOf(s); ok {
			t.Errorf("%.60q is a token", s)
		}
	}
	if _, _, err := newToken(bytes.NewReader(make([]byte, 31))); err == nil {
		t.Error("a token of 31 bytes")
	}
	d := NewDesk(DeskOptions{Store: h.st, Journal: h, Clock: h.clock, Rand: bytes.NewReader(make([]byte, 12))})
	if _, _, err := d.Create(t.Context(), Terms{Principal: "a", Pattern: "a/b", Reason: "r", Token: true}, dora); !errors.Is(err, ostiary.CodeInternal) {
		t.Errorf("without randomness: %v", err)
	}
}
