package gateway

import (
	"crypto/sha256"
	"slices"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/policy"
	"github.com/ostiary/ostiary/wire"
)

const pay = `{"tools":[{"name":"pay","annotations":{"readOnlyHint":false},"inputSchema":{"type":"object",` +
	`"properties":{"dry_run":{"type":"boolean"},"to":{},"token":{},"confirm":{}}}},` +
	`{"name":"plain","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true,"openWorldHint":false}}]}`

// paying lets pay run, rewritten as the row says, and plain as it is.
func paying() policy.Options {
	return policy.Options{Rows: []policy.Row{
		{Kind: policy.Tool, Pattern: "up/pay", Effect: ostiary.EffectWrite,
			Rewrite: ostiary.Rewrite{Token: "token", Strip: []string{"confirm", "force"}, DryRun: "dry_run"}},
		{Kind: policy.Tool, Pattern: "up/plain", Effect: ostiary.EffectRead, Closed: true},
	}}
}

// theToken is what must be nowhere.
const theToken = "ost_cap_SECRETSECRETSECRET"

// TestLaw3RewritesComeBeforeTheGates sends calls with what a rule rewrites, and
// compares every byte that the server gets, and what a gate saw of them. The
// controls are calls with nothing to change, which pass as they are.
func TestLaw3RewritesComeBeforeTheGates(t *testing.T) {
	w := &keeper{}
	s := newScripted(t)
	s.auto = handshakes(pay)
	b := openHouse(t, paying(), func(o *ostiary.Options) { o.Gates = append(o.Gates, w) }, s.behind).shaken()
	for _, tt := range []struct {
		name, in, out string
		token, key    string
		dry           bool
	}{
		{name: "control: another tool", in: `{"name":"plain","arguments":{"token":"x","confirm":true,"dry_run":true},"_meta":{"a":1}}`},
		{name: "control: nothing to do", in: `{"name":"pay","arguments":{ "dry_run" : false , "to":9007199254740993 }}`},
		{name: "a dry run", in: `{"name":"pay","arguments":{"dry_run":true}}`, dry: true},
		{name: "no dry run", in: `{"name":"pay","arguments":{"to":1e0}}`, out: `{"name":"pay","arguments":{"to":1e0,"dry_run":false}}`},
		{name: "dry run of another kind", in: `{"name":"pay","arguments":{"dry_run":"true" ,"to":1.0}}`, out: `{"name":"pay","arguments":{"dry_run":false ,"to":1.0}}`},
		{name: "dry run null", in: `{"name":"pay","arguments":{"dry_run":null}}`, out: `{"name":"pay","arguments":{"dry_run":false}}`},
		{name: "dry run 1", in: `{"name":"pay","arguments":{"dry_run":1}}`, out: `{"name":"pay","arguments":{"dry_run":false}}`},
		{name: "no arguments", in: `{"name":"pay"}`, out: `{"name":"pay","arguments":{"dry_run":false}}`},
		{name: "no arguments, unknown fields", in: `{"x":[ 1 ],"name":"pay", "y":{"arguments":{}} }`, out: `{"x":[ 1 ],"name":"pay", "y":{"arguments":{}} ,"arguments":{"dry_run":false}}`},
		{name: "a confirm", in: `{"name":"pay","arguments":{"confirm":true,"dry_run":false,"force":{"a":[1]}}}`, out: `{"name":"pay","arguments":{"dry_run":false}}`},
		{name: "an escaped confirm", in: `{"name":"pay","arguments":{"dry_run":false,"c\u006fnfirm":true,"to":"\/"}}`, out: `{"name":"pay","arguments":{"dry_run":false,"to":"\/"}}`},
		{name: "nested names stay", in: `{"name":"pay","arguments":{"to":{"token":"x","confirm":true,"dry_run":1},"dry_run":false}}`},
		{name: "a token", in: `{"name":"pay","arguments":{"to":1 , "token":"` + theToken + `" , "dry_run":false}}`, out: `{"name":"pay","arguments":{"to":1 , "dry_run":false}}`, token: theToken},
		{name: "only a token", in: `{"name":"pay","arguments":{"token":"` + theToken + `"}}`, out: `{"name":"pay","arguments":{"dry_run":false}}`, token: theToken},
		{name: "an empty token", in: `{"name":"pay","arguments":{"token":"","dry_run":false}}`, out: `{"name":"pay","arguments":{"dry_run":false}}`},
		{name: "a null token", in: `{"name":"pay","arguments":{"token":null,"dry_run":false}}`, out: `{"name":"pay","arguments":{"dry_run":false}}`},
		{name: "a token in _meta", in: `{"name":"plain","_meta":{"ostiary/grant":"` + theToken + `"},"z":1}`, out: `{"name":"plain","_meta":{},"z":1}`, token: theToken},
		{name: "an escaped token in _meta", in: `{"name":"plain","_meta":{"b":2,"ostiary\/gr\u0061nt":"` + theToken + `"}}`, out: `{"name":"plain","_meta":{"b":2}}`, token: theToken},
		{name: "the same token twice", in: `{"name":"pay","_meta":{"ostiary/grant":"` + theToken + `","a":1},"arguments":{"token":"` + theToken + `"}}`,
			out: `{"name":"pay","_meta":{"a":1},"arguments":{"dry_run":false}}`, token: theToken},
		{name: "a key stays", in: `{"name":"plain","_meta":{"ostiary/idempotency-key":"k\u0031"}}`, key: "k1"},
		{name: "a key and a token", in: `{"name":"plain","_meta":{"ostiary/grant":"` + theToken + `","ostiary/idempotency-key":"k"}}`,
			out: `{"name":"plain","_meta":{"ostiary/idempotency-key":"k"}}`, key: "k", token: theToken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			line := func(params string) string {
				return ` {"jsonrpc":"2.0", "id":1,"v/x":0.10,"method":"tools/call","params":` + params + `}`
			}
			b.send(line(tt.in))
			want := tt.out
			if want == "" {
				want = tt.in
			}
			got := s.next()
			if got != strings.TrimSpace(line(want)) {
				t.Errorf("the server got %s\nwant %s", got, line(want))
			}
			s.say(answer("1", "done"))
			b.want(`"done"`)
			c := w.last()
			if c.Token != tt.token || c.Key != tt.key || c.DryRun != tt.dry {
				t.Errorf("the gate saw the token %q, the key %q, dry run %v", c.Token, c.Key, c.DryRun)
			}
			m, err := wire.Parse([]byte(got), wire.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			digest, err := wire.Digest(m.Arguments)
			if m.Arguments == nil {
				digest = ostiary.Digest{}
			}
			if c.Beside != nil {
				beside, _ := wire.Digest(c.Beside)
				digest = sha256.Sum256(slices.Concat([]byte("ostiary arguments and beside 1"), digest[:], beside[:]))
			}
			if err != nil || digest != c.Digest || string(m.Arguments) != string(c.Arguments) || string(m.Meta) != string(c.Meta) {
				t.Errorf("the gate saw %s and %s, the server got %s", c.Arguments, c.Meta, got)
			}
		})
	}
}

// A message that cannot be rewritten without doubt is refused, and what it held
// is in no record.
func TestWhatCannotBeRewrittenIsRefused(t *testing.T) {
	s := newScripted(t)
	s.auto = handshakes(pay)
	b := openDoor(t, paying(), s.behind).shaken()
	for params, code := range map[string]string{
		`{"name":"pay","arguments":{"Token":"` + theToken + `"}}`:                                               "wire_duplicate_key",
		`{"name":"pay","arguments":{"CONFIRM":true}}`:                                                           "wire_duplicate_key",
		`{"name":"pay","arguments":{"Dry_Run":true}}`:                                                           "wire_duplicate_key",
		`{"name":"pay","arguments":{"token":["` + theToken + `"]}}`:                                             "wire_params",
		`{"name":"pay","_meta":{"ostiary/grant":{"t":"` + theToken + `"}}}`:                                     "wire_params",
		`{"name":"pay","_meta":{"ostiary/grant":"` + theToken + `"},"arguments":{"token":"` + theToken + `2"}}`: "wire_params",
		`{"name":"pay","_meta":{"ostiary/idempotency-key":7,"ostiary/grant":"` + theToken + `"}}`:               "idempotency_invalid",
		`{"name":"pay","_meta":{"ostiary/idempotency-key":"","ostiary/grant":"` + theToken + `"}}`:              "idempotency_invalid",
		`{"name":"pay","arguments":null,"_meta":{"ostiary/grant":"` + theToken + `"}}`:                          "wire_params",
		`{"name":"pay","_meta":{"OSTIARY/grant":"` + theToken + `"}}`:                                           "wire_duplicate_key",
	} {
		b.send(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":` + params + `}`)
		if got := b.want(code); strings.Contains(got, theToken) {
			t.Errorf("the client is told %s", got)
		}
	}
	s.nothing(b)
	b.recorded(is{kind: audit.KindRefusal, target: "pay", code: "wire_params"}, is{target: "pay", code: "idempotency_invalid"})
	b.nowhere(theToken)
}

// TestLaw6TokensStayAtTheDoor sends a token with every kind of message that the
// client can begin. The control is the same word in an argument that no rule
// names, which is the tool's.
func TestLaw6TokensStayAtTheDoor(t *testing.T) {
	s := newScripted(t)
	s.auto = handshakes(pay)
	b := openDoor(t, paying(), s.behind).shaken()
	meta := `"_meta":{"ostiary/grant":"` + theToken + `","ostiary/idempotency-key":"k"}`
	for _, line := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"pay","arguments":{"token":"` + theToken + `"},` + meta + `}}`,
		`{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"x://y",` + meta + `}}`,
		`{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"p",` + meta + `}}`,
		`{"jsonrpc":"2.0","id":1,"method":"prompts/list","params":{` + meta + `}}`,
	} {
		b.send(line)
		if got := s.next(); strings.Contains(got, theToken) {
			t.Errorf("the server got %s", got)
		}
		s.say(`{"jsonrpc":"2.0","id":1,"result":{}}`)
		b.want(`"id":1`)
	}
	b.send(`{"jsonrpc":"2.0","method":"notifications/roots/list_changed","params":{` + meta + `}}`)
	if got := s.next(`"ostiary/idempotency-key":"k"`); strings.Contains(got, theToken) {
		t.Errorf("the server got %s", got)
	}
	b.send(call("2", "plain"))
	s.next()
	b.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2,` + meta + `}}`)
	if got := s.next(`"notifications/cancelled"`); strings.Contains(got, theToken) {
		t.Errorf("the server got %s", got)
	}
	b.recorded(is{target: "pay", status: "ok"}, is{target: "plain", status: "cancelled"})
	b.nowhere(theToken)
	b.send(`{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"plain","arguments":{"other":"` + theToken + `"}}}`)
	s.next(theToken)
	s.say(answer("3", "done"))
	b.want(`"done"`)
}

func FuzzRewrite(f *testing.F) {
	for _, s := range []string{`{}`, `{"token":"x"}`, `{"confirm":1,"dry_run":true,"to":{"token":1}}`, ` { "force" : 1e5 , "dry_run" : "\u0061" } `} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, args string) {
		raw := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"pay","arguments":` + args + `}}`
		m, err := wire.Parse([]byte(raw), wire.Limits{})
		if err != nil || m.Arguments == nil {
			t.Skip()
		}
		q := &caller{d: &door{}, m: m, c: &ostiary.Call{Class: ostiary.ClassTool}}
		if q.rewrite(&ostiary.Rule{Rewrite: paying().Rows[0].Rewrite}) != nil {
			t.Skip()
		}
		v, err := wire.Decode(q.m.Arguments)
		if err != nil {
			t.Fatalf("%s became %s: %v", raw, q.m.Raw, err)
		}
		before, _ := wire.Decode(m.Arguments)
		want := before.(map[string]any)
		dry := want["dry_run"] == true
		for _, name := range []string{"token", "confirm", "force"} {
			delete(want, name)
		}
		want["dry_run"] = dry
		got, err := wire.Digest(q.m.Arguments)
		if err != nil || len(v.(map[string]any)) != len(want) || v.(map[string]any)["dry_run"] != dry || q.c.DryRun != dry {
			t.Fatalf("%s became %s: %v %v", raw, q.m.Raw, got, err)
		}
		for name, value := range v.(map[string]any) {
			if w, ok := want[name]; !ok || !same(w, value) {
				t.Fatalf("%s became %s", raw, q.m.Raw)
			}
		}
	})
}
