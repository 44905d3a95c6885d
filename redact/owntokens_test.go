package redact

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
)

// What the door itself hands out or signs with comes back in no writing, whether it
// knows it or not.
func TestOwnTokensNeverComeBack(t *testing.T) {
	f := filter(t, func(o *FilterOptions) { o.Allowed = func(_, _, _, _, _ string) bool { return true } })
	const random = "Ab3dE6gH1jK4mN7pQ0sT-_vWxYz56789AbCdEfGhIjK"
	for _, token := range []string{
		"ost_cap_" + random, "ost_key_" + random,
		"PRIVATE+KEY+ostiary-0a1b+6f2c+" + base64.StdEncoding.EncodeToString([]byte(random[:33])),
	} {
		r := redactor(t)
		b64 := base64.StdEncoding.EncodeToString
		for how, s := range map[string]string{
			"plain": "the " + token + " here", "base64": b64([]byte(token)), "base64 +1": b64([]byte("x" + token + " y")), "base64 +2": b64([]byte("xy" + token)),
			"base64 url": base64.RawURLEncoding.EncodeToString([]byte("xyz " + token)), "url": url.QueryEscape(token), "percent": strings.ReplaceAll(url.QueryEscape(token), "_", "%5F"),
			"hex": hex.EncodeToString([]byte(token)), "hex upper": strings.ToUpper(hex.EncodeToString([]byte("a" + token + "b"))),
		} {
			raw, _ := json.Marshal(map[string]string{"text": s})
			got := string(r.Message(raw))
			if plain := !strings.HasPrefix(how, "base64") && !strings.HasPrefix(how, "hex"); plain != (got != string(raw)) {
				t.Errorf("%s: Message made %s of %s", how, got, raw)
			}
			if got, _, err := apply(t, f, string(raw), rule(ostiary.OutputRule{Secrets: ModeReport})); err != nil || got == string(raw) && how[0] != 'p' && how != "url" {
				t.Errorf("%s: the filter made %s of %s, %v", how, got, raw, err)
			}
			if again := string(r.Message([]byte(got))); again != got {
				t.Errorf("%s: %s, then %s", how, got, again)
			}
		}
	}
}
