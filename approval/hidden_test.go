package approval

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/redact"
)

func TestRemarks(t *testing.T) {
	r, err := redact.New(redact.Options{Known: []string{"known-secret"}})
	if err != nil {
		t.Fatal(err)
	}
	const hidden = " bytes of the arguments are hidden as secrets, at "
	for raw, want := range map[string]string{
		`{"a":"plain","auth":false,"n":[1,null]}`:                   "",
		`{"a/b":[{"password":"12345"}]}`:                            "5" + hidden + "/a~1b/0/password",
		`{"a":"x known-secret y","known-secret":1}`:                 "24" + hidden + "/a, /[REDACTED:known]",
		`"known-secret"`:                                            "12" + hidden + "the whole",
		`{"token":{"a":"1","b":["2","3",true],"c":"4","\u0430":5}}`: "4" + hidden + "/token/a, /token/b/0, /token/b/1 and 1 more",
		`{"password":"a [REDACTED:key] b","pin":123}`:               "21" + hidden + "/password, /pin",
		`{"p":"n` + "\u043e" + `tes.txt"}`:                          `the text at /p may not be what it looks like: “nоtes” mixes Latin and Cyrillic letters: \u{43e} looks like o; written out: n\u{43e}tes.txt`,
		`{"p` + "\u0430" + `th":1}`:                                 `the text at /p\u{430}th may not be what it looks like: “pаth” mixes Latin and Cyrillic letters: \u{430} looks like a; written out: p\u{430}th`,
	} {
		got := strings.Join(remarks("the arguments", []byte(raw), r.Shown([]byte(raw), nil)), "|")
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", raw, got, want)
		}
	}
	raw := `{"auth":{"cmd":["rm","-rf"]}}`
	if got := strings.Join(remarks("the arguments", []byte(raw), r.Arguments([]byte(raw), nil)), "|"); got != "18"+hidden+"places that cannot be told" {
		t.Errorf("masked as a whole: %s", got)
	}
	if got := remarks("the arguments", []byte(`{`), nil); got != nil {
		t.Errorf("nothing is shown: %q", got)
	}
}

// Attack: spaces up to the edge of a terminal draw rows that pass for ours, or push
// away what follows. The control is the text itself on a terminal of 80 columns.
func TestNoTextDrawsRows(t *testing.T) {
	pad := func(s string, n int) string { return s + strings.Repeat(" ", n-len(s)) }
	evil := pad("ls", 80-len(`  |   "a": "`)) + pad("Preview (dry_run)", 80) + pad("  | nothing is changed", 80) + "; rm -rf ~"
	forged := func(shown string) bool {
		for line := range strings.SplitSeq(shown, "\n") {
			for i := 80; i < len(line); i += 80 {
				if strings.HasPrefix(line[i:], "Preview (dry_run)") {
					return true
				}
			}
		}
		return false
	}
	if !forged("  |   \"a\": \"" + evil + "\"") {
		t.Fatal("control: a terminal draws no row of it")
	}
	r := sample()
	r.Args = []byte(`{"a":"` + evil + strings.Repeat("漢", 100) + `"}`)
	r.Preview.Text, r.Why, r.Reason, r.Target, r.Session = evil, []string{evil}, evil, evil, evil
	for _, shown := range []string{Card(r), dialogText(&r, &detail{Args: r.Args, Preview: r.Preview})} {
		if forged(shown) || !strings.Contains(shown, "; rm -rf ~") || !strings.Contains(shown, "␣×") {
			t.Errorf("a forged row:\n%s", shown)
		}
		for line := range strings.SplitSeq(shown, "\n") {
			if n := utf8.RuneCountInString(line) + strings.Count(line, "漢"); n >= 80 {
				t.Errorf("%d columns: %s", n, line)
			}
		}
	}
}

// Arguments that are too long for a card can be had whole, and the card says so at its
// top, until somebody decided.
func TestLongArguments(t *testing.T) {
	h := newHouse(t)
	long := `{"path":"` + strings.Repeat("é", 2<<20) + `","then":"rm -rf ~"}`
	c := call(long)
	h.refused(c, ostiary.CodeApprovalPending)
	r := h.get(h.only().ID)
	if r.ArgsCut == 0 || !utf8.Valid(r.Args) || Unseen(r) < len(long)-20<<10 {
		t.Fatalf("%d bytes are cut, %d not seen", r.ArgsCut, Unseen(r))
	}
	card := Card(r)
	if strings.Contains(card, "rm -rf") {
		t.Fatal("control: the card shows all of it")
	}
	second := strings.Split(card, "\n")[1]
	if want := fmt.Sprintf("NOT SHOWN  %d bytes of the arguments;", Unseen(r)); !strings.HasPrefix(second, want) || !strings.Contains(card, "--arguments") {
		t.Errorf("got %s, want %s", second, want)
	}
	var b strings.Builder
	if err := h.desk.Arguments(t.Context(), r.ID[:8], &b); err != nil || b.String() != long {
		t.Errorf("%d bytes of %d: %v", b.Len(), len(long), err)
	}
	h.approve(r.ID)
	h.runs(c)
	b.Reset()
	if err := h.desk.Arguments(t.Context(), r.ID, &b); ostiary.AsError(err).Code != ostiary.CodeApprovalUnknown || b.Len() == 0 {
		t.Errorf("after the use: %d bytes, %v", b.Len(), err)
	}
	if short := sample(); Unseen(short) != 0 || strings.Contains(Card(short), "NOT SHOWN") {
		t.Errorf("control: %d bytes of a short one are not seen", Unseen(short))
	}
}
