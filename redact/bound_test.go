package redact

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ostiary/ostiary"
)

// TestACutIsWhereACharacterEnds cuts at every place: what is left is as much as fits, and
// ends no character, no escape, no pair of surrogates and no marker in the middle.
func TestACutIsWhereACharacterEnds(t *testing.T) {
	whole := []string{"a", "é", "€", "😀", `\n`, `\"`, `\\`, `\u00e9`, `\ud83d\ude00`, "[REDACTED:github-pat]", "b", "[REDACTED:", "c]", "é"}
	inside := strings.Join(whole, "")
	fits := make([]int, len(inside)+1) // by the room there is
	for i, at := 0, 0; i < len(whole); i++ {
		at += len(whole[i])
		if whole[i] == "[REDACTED:" {
			continue // nothing tells it from a marker before its bracket ends it
		}
		for room := at; room <= len(inside); room++ {
			fits[room] = at
		}
	}
	for room := range len(inside) + 1 {
		n := cutAt(inside, room)
		var plain string
		if err := json.Unmarshal([]byte(`"`+inside[:n]+`"`), &plain); err != nil || !utf8.ValidString(inside[:n]) || strings.ContainsRune(plain, utf8.RuneError) {
			t.Errorf("with room for %d: %q, %v", room, inside[:n], err)
		}
		if n != fits[room] {
			t.Errorf("with room for %d: %d are kept, not %d: %q", room, n, fits[room], inside[:n])
		}
	}
}

const noteBegins = "[ostiary: "

// keptOf is what is left of the first text of a result, and how much its note says is not.
func keptOf(t *testing.T, body string) (kept string, left int) {
	t.Helper()
	var r struct{ Content []struct{ Text string } }
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		t.Fatal(err)
	}
	kept, note, _ := strings.Cut(r.Content[0].Text, noteBegins)
	if _, err := fmt.Sscanf(note, "%d bytes were left out here, because the limit is 1000;", &left); err != nil || !utf8.ValidString(body) {
		t.Fatalf("%q: %v", body, err)
	}
	return kept, left
}

// TestACutSaysHowMuch: the number in the note is what is missing, wherever the text ends,
// and the result stays UTF-8.
func TestACutSaysHowMuch(t *testing.T) {
	f := filter(t, func(o *FilterOptions) { o.MaxResult = 1000 })
	for shift := range 8 {
		inside := strings.Repeat("x", shift) + strings.Repeat("é€😀", 300)
		body := `{"content":[{"type":"text","text":"` + inside + `"},{"type":"text","text":"and more"}]}`
		got, _, err := apply(t, f, body)
		if err != nil {
			t.Fatal(err)
		}
		kept, left := keptOf(t, got)
		if want := len(inside) - len(kept) + len("and more"); left != want || len(kept) < 900 || !strings.HasPrefix(inside, kept) || strings.Contains(got, "more") {
			t.Errorf("%d: it says that %d bytes are missing, and it is %d", shift, left, want)
		}
	}
}

// TestRedactedBeforeItIsCut moves a secret over the place of the cut. Half of one has no
// shape that a rule knows, so that it would pass if the text were cut first.
func TestRedactedBeforeItIsCut(t *testing.T) {
	f := filter(t, func(o *FilterOptions) { o.MaxResult = 1000 })
	cutBy := 0
	for at := 850; at < 1000; at++ {
		got, r, err := apply(t, f, text(strings.Repeat("x", at)+" "+acme+" "+strings.Repeat("y ", 600)))
		if err != nil || !strings.Contains(got, noteBegins) {
			t.Fatal(got, err)
		}
		if strings.Contains(got, acme[:7]) {
			t.Errorf("at %d: %s", at, got)
		}
		if r.Findings[0].Rule != "acme-key" {
			t.Errorf("at %d: %v", at, r.Findings)
		}
		if !strings.Contains(got, "[REDACTED:acme-key]") {
			cutBy++
		}
	}
	if cutBy == 0 || cutBy == 150 {
		t.Errorf("control: of 150 places the cut was before the secret in %d", cutBy)
	}
}

// TestACutMakesNoSecret: what is no key because it is longer than one is not cut to the
// length of one. The note still tells of all that is missing.
func TestACutMakesNoSecret(t *testing.T) {
	const key = "AKIA" + "Q7RT5XK2M3LDV6HN" // which has a fixed length
	f := filter(t, func(o *FilterOptions) { o.MaxResult = 1000 })
	made := 0
	for at := 850; at < 1000; at++ {
		whole := strings.Repeat("x", at) + " " + key + strings.Repeat("ABCD2345", 100)
		got, r, err := apply(t, f, text(whole))
		if err != nil {
			t.Fatal(err)
		}
		kept, left := keptOf(t, got)
		if strings.HasSuffix(kept, key) {
			t.Errorf("at %d: %s", at, got)
		}
		if strings.HasSuffix(kept, " ") && at+1+len(key) <= 1000-len(cutNote(len(whole), 1000)) {
			made++
		}
		if left != len(whole)-len(kept) {
			t.Errorf("at %d: it says that %d bytes are missing, and it is %d", at, left, len(whole)-len(kept))
		}
		if again, _, err := apply(t, f, got); err != nil || again != got {
			t.Errorf("at %d: %s\nthen %s, %v", at, got, again, err)
		}
		if r.Found != 1 {
			t.Errorf("at %d: found %v", at, r.Findings)
		}
	}
	if made == 0 {
		t.Error("control: no cut was where a key would end")
	}
}

// TestEveryTextCounts: what a question, a prompt and progress say is bounded as answers are.
func TestEveryTextCounts(t *testing.T) {
	words := strings.Repeat("many words ", 500)
	for method, body := range map[string]string{
		"sampling/createMessage": `{"systemPrompt":"` + words + `","messages":[]}`,
		"elicitation/create":     `{"message":"` + words + `","requestedSchema":{}}`,
		"prompts/get":            `{"messages":[{"role":"user","content":{"type":"text","text":"` + words + `"}}]}`,
		"notifications/progress": `{"progressToken":1,"message":"` + words + `"}`,
	} {
		f := filter(t, func(o *FilterOptions) { o.MaxResult = 1000 })
		got, _, err := apply(t, f, body, func(c *ostiary.Call) { c.Method = method })
		if err != nil || !strings.Contains(got, noteBegins) || len(got) > 1100 {
			t.Errorf("%s: %s, %v", method, got, err)
		}
	}
}
