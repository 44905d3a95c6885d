package gateway

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/policy"
)

// aToken has the form of a real one.
const aToken = "ost_cap_SECRETSECRETSECRETSECRETSECRETSECRETSECRETS"

// TestLaw6ATokenInTheWrongPlaceStopsHere puts a capability token where no rule
// takes it out, in every place of a message. Nothing of it reaches the server, the
// client or the state directory. The control for each is the same message with
// another text in that place, which the server gets.
func TestLaw6ATokenInTheWrongPlaceStopsHere(t *testing.T) {
	rules := paying()
	rules.Rows = append(rules.Rows,
		policy.Row{Kind: policy.Tool, Pattern: "up/*", Effect: ostiary.EffectWrite},
		policy.Row{Kind: policy.Resource, Pattern: "up/*", Effect: ostiary.EffectRead},
	)
	s := newScripted(t)
	s.auto = handshakes(pay)
	b := openDoor(t, rules, s.behind).shaken()
	escaped := ""
	for _, c := range aToken {
		escaped += fmt.Sprintf(`\u%04X`, c)
	}
	n := 100
	for _, tt := range []struct{ name, message string }{
		{"an argument", `"method":"tools/call","params":{"name":"plain","arguments":{"x":"%s"}}`},
		{"within a text", `"method":"tools/call","params":{"name":"plain","arguments":{"x":"Bearer %s."}}`},
		{"behind an escape", `"method":"tools/call","params":{"name":"plain","arguments":{"x":"\\\n%s\\"}}`},
		{"the name of an argument", `"method":"tools/call","params":{"name":"plain","arguments":{"%s":1}}`},
		{"deep in the arguments", `"method":"tools/call","params":{"name":"pay","arguments":{"dry_run":false,"to":{"token":["%s"]}}}`},
		{"beside the arguments", `"method":"tools/call","params":{"name":"plain","arguments":{},"token":"%s"}`},
		{"another place in _meta", `"method":"tools/call","params":{"name":"plain","arguments":{},"_meta":{"grant":"%s"}}`},
		{"the idempotency key", `"method":"tools/call","params":{"name":"plain","arguments":{},"_meta":{"ostiary/idempotency-key":"%s"}}`},
		{"an address", `"method":"resources/read","params":{"uri":"file:///%s"}`},
		{"another method", `"method":"ping","params":{"x":"%s"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			send := func(what string) {
				n++
				b.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,`, n) + fmt.Sprintf(tt.message, what) + `}`)
			}
			for _, harmless := range []string{"ost_cap_", "ost_cap_SHORT of it", "cap_PUBLICPUBLICPUBLICPUBLICPUBLIC"} {
				send(harmless)
				if got := s.next(); !strings.Contains(got, harmless) {
					t.Fatalf("control: the server got %s", got)
				}
				s.say(answer(fmt.Sprint(n), "done"))
				b.want(`"done"`)
			}
			for _, token := range []string{aToken, escaped, strings.Replace(aToken, "_", `\u005f`, 2), "x" + aToken} {
				send(token)
				if got := b.want("grant_misplaced"); strings.Contains(got, "SECRET") {
					t.Errorf("the client is told %s", got)
				}
			}
		})
	}
	b.send(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"` + aToken + `"}}`)
	if got := b.want("grant_misplaced"); strings.Contains(got, "SECRET") {
		t.Errorf("the client is told %s", got)
	}
	b.send(`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1,"message":"` + aToken + `"}}`)
	s.nothing(b)
	b.recorded(is{kind: audit.KindRefusal, target: "plain", code: "grant_misplaced"})
	err := filepath.WalkDir(b.state, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), "SECRET") {
			t.Errorf("%s holds it", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// What looks like an escaped token but says something else is none.
func TestOnlyATokenIsMisplaced(t *testing.T) {
	rest := strings.Repeat("A", 43)
	for text, want := range map[string]bool{
		`"ost_cap_` + rest + `"`:           true,
		`"ost\u005Fcap\u005f` + rest + `"`: true,
		`"ost\\u005fcap_` + rest + `"`:     false, // a backslash and letters
		`"ost\\\u005fcap_` + rest + `"`:    false,
		`"ost\u015fcap_` + rest + `"`:      false,
		`"ost\u00dfcap_` + rest + `"`:      false,
		`"ost_cap_ost_cap_` + rest + `"`:   true,
		`"ost_cap_, ost_cap_` + rest + `"`: true,
		`"ost_cap_` + rest[:19] + `"`:      false,
		`"\u00`:                            false,
		`\`:                                false,
	} {
		if got := holdsToken([]byte(text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func BenchmarkMisplaced(b *testing.B) {
	for name, text := range map[string]string{
		"call":          `{"jsonrpc":"2.0","id":17,"method":"tools/call","params":{"name":"read_file","arguments":{"path":"notes_of_today.txt"}}}`,
		"64KiB":         strings.Repeat(`{"some_key": "some text or other"},`, 64<<10/35),
		"64KiB_escaped": strings.Repeat(`{"some_key": "some \u00e4 text"}, `, 64<<10/35),
	} {
		b.Run(name, func(b *testing.B) {
			raw := []byte(text)
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				if holdsToken(raw) {
					b.Fatal("found")
				}
			}
		})
	}
}
