package wire_test

import (
	"strings"
	"testing"

	"github.com/ostiary/ostiary/wire"
)

// TestBeside holds that what params has beside the name, the arguments and _meta
// is known and found as it is written, by both ways of reading.
func TestBeside(t *testing.T) {
	for params, want := range map[string]string{
		`{"name":"t"}`: "",
		`{"name":"t","arguments":{"task":1},"_meta":{"task":2,"inputResponses":3}}`: "",
		`{"\u006eame":"t","argument\u0073":{}}`:                                     "",
		`{"name":"t","task":{"ttl":1}}`:                                             `{"task":{"ttl":1}}`,
		`{"requestState" : "s", "name":"t","inputResponses":{}}`:                    `{"requestState" : "s","inputResponses":{}}`,
		`{"weird":null,"name":"t","arguments":{}}`:                                  `{"weird":null}`,
		`{"name":"t","":0}`:                                                         `{"":0}`,
		`{"name":"t","uri":"file:///a","taskId":"1"}`:                               `{"uri":"file:///a","taskId":"1"}`,
		`{"name":"t","inputRespons\u0065s":{"a":1}}`:                                `{"inputRespons\u0065s":{"a":1}}`,
	} {
		// A surrogate pair in the id leaves the quick way to the decoder.
		for _, id := range []string{`1`, `"\ud83d\ude00"`} {
			m, err := wire.Parse([]byte(`{"jsonrpc":"2.0","id":`+id+`,"method":"tools/call","params":`+params+`}`), wire.Limits{})
			if err != nil {
				t.Fatal(params, err)
			}
			all, err := wire.ReadMembers(m.Params)
			if err != nil {
				t.Fatal(params, err)
			}
			rest := string(all.Rest("name", "arguments", "_meta"))
			if rest != want || m.HasBeside != (want != "") {
				t.Errorf("%s: has more: %v; rest %s, want %s", params, m.HasBeside, rest, want)
			}
		}
	}
	all, err := wire.ReadMembers([]byte(`{"b":1,"\u0061":2}`))
	if names := strings.Join(all.Names(), ","); err != nil || names != "b,a" {
		t.Errorf("%s, %v", names, err)
	}
}
