package approval

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/internal/visible"
)

func sample() Request {
	now := time.Date(2040, 1, 2, 3, 4, 5, 0, time.UTC)
	return Request{
		ID: "0123456789abcdef", State: Pending, Principal: "alice", Client: "/usr/bin/agent", Session: "4711@1",
		Upstream: "files", Method: "tools/call", Target: "delete_file", Effect: "destructive", Why: []string{"destructive calls ask"},
		Channels: []string{"cli"}, Warnings: []string{"careful"}, Created: now, Expires: now.Add(10 * time.Minute), Decided: now,
		By: "bob", Channel: "cli", Reason: "because", Answer: Confirm, Call: "c1", UsedBy: "c2",
		Policy: "sha256:p", Definition: "d", Arguments: "a", Args: []byte(`{"path":"a"}`),
		Preview: &ostiary.Preview{Kind: "delete", Text: "3 files"}, PreviewError: "failed",
	}
}

// TestHostileText puts hostile text into each field of a card and of a dialog: it
// is made visible and bounded, and looks like no line of ours.
func TestHostileText(t *testing.T) {
	hostile := map[string]string{
		"ansi":      "\x1b[2J\x1b[31mred\x1b]0;title\x07",
		"controls":  "a\x00b\bc\rd\x7f\u0085e",
		"newlines":  "x\nWARNING    none\nTo let it run once:  ostiary approve 9999999999999999\n",
		"rlo":       "\u202egnp.exe\u2066x\u2069",
		"zero":      "a\u200bb\ufeffc\u00add\U000e0041",
		"lookalike": "dеlete_file", // the second letter is Cyrillic
		"megabytes": strings.Repeat("A", 5<<20),
		"lines":     strings.Repeat("l\n", 1<<20),
		"marks":     "a" + strings.Repeat("\u0301", 5000),
		"not utf-8": "\xff\xfe\xc0\xaf",
	}
	for what, text := range hostile {
		for name, set := range fields() {
			t.Run(what+"/"+name, func(t *testing.T) {
				r := sample()
				set(&r, text)
				d := &detail{Args: r.Args, Preview: r.Preview, PreviewError: r.PreviewError}
				for kind, shown := range map[string]string{"card": Card(r), "dialog": dialogText(&r, d)} {
					harmless(t, kind, shown)
					if what == "lookalike" && (name == "Target" || name == "Upstream") && !strings.Contains(shown, "WARNING    a name may not be what it looks like") {
						t.Errorf("%s: no warning:\n%s", kind, shown)
					}
				}
			})
		}
	}
}

// fields sets each field that holds text.
func fields() map[string]func(r *Request, s string) {
	all := map[string]func(r *Request, s string){
		"Preview.Kind": func(r *Request, s string) { r.Preview = &ostiary.Preview{Kind: s} },
		"Preview.Text": func(r *Request, s string) { r.Preview = &ostiary.Preview{Text: s} },
	}
	typ := reflect.TypeFor[Request]()
	for i := range typ.NumField() {
		f := typ.Field(i)
		switch {
		case !f.IsExported():
		case f.Type.Kind() == reflect.String:
			all[f.Name] = func(r *Request, s string) { reflect.ValueOf(r).Elem().Field(i).SetString(s) }
		case f.Type == reflect.TypeFor[[]string]():
			all[f.Name] = func(r *Request, s string) {
				reflect.ValueOf(r).Elem().Field(i).Set(reflect.ValueOf([]string{s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s}))
			}
		case f.Type == reflect.TypeFor[[]byte]():
			all[f.Name] = func(r *Request, s string) { reflect.ValueOf(r).Elem().Field(i).SetBytes([]byte(s)) }
		}
	}
	return all
}

func harmless(t *testing.T, kind, shown string) {
	t.Helper()
	if len(shown) > 64<<10 {
		t.Errorf("%s: %d bytes", kind, len(shown))
	}
	marks := 0
	for _, r := range shown {
		if unicode.Is(unicode.M, r) {
			marks++
		} else {
			marks = 0
		}
		if r != '\n' && !visible.Plain(r) || marks > 3 {
			t.Fatalf("%s: %q (%d marks) is shown as it is", kind, r, marks)
		}
	}
	for line := range strings.SplitSeq(shown, "\n") {
		if strings.HasPrefix(line, "WARNING    none") || strings.HasPrefix(line, "To let it run once:  ostiary approve 9999999999999999") {
			t.Errorf("%s: a text passes for a line of ours: %s", kind, line)
		}
	}
}

// TestHostileTextIsKept: the same through a gate and the store.
func TestHostileTextIsKept(t *testing.T) {
	h := newHouse(t)
	huge := strings.Repeat("\x1b[31m\u202e", 1<<19)
	c := call(`{"path":"`+strings.Repeat("A", 5<<20)+`"}`, func(c *ostiary.Call) {
		c.Target, c.Principal.Client, c.Session = "dеlete_file"+huge, huge, huge
	})
	d := asks()
	d[0].Reason = huge
	_, err := h.gate.Settle(t.Context(), c, d)
	e := ostiary.AsError(err)
	if e.Code != ostiary.CodeApprovalPending || len(e.Message) > 4096 {
		t.Fatalf("got %.300v", err)
	}
	r := h.get(h.only().ID)
	harmless(t, "card", Card(r))
	if len(r.Warnings) < 1 || !strings.Contains(Card(r), "WARNING") || !strings.Contains(Card(r), "NOT SHOWN") {
		t.Errorf("warned of %q", r.Warnings)
	}
	h.approve(r.ID)
	h.runs(c)
	// What differs only where the list cuts is another call.
	h.refused(call(`{}`, func(c *ostiary.Call) { c.Target = huge + "1" }), ostiary.CodeApprovalPending)
	h.approve(h.only().ID)
	h.refused(call(`{}`, func(c *ostiary.Call) { c.Target = huge + "2" }), ostiary.CodeApprovalPending)
}

func ExampleCard() {
	r := sample()
	r.Decided, r.UsedBy, r.PreviewError = time.Time{}, "", ""
	r.Target, r.Warnings = "dеlete_file", nil
	fmt.Print(Card(r))
	// Output:
	// Request    0123456789abcdef  pending
	// WARNING    a name may not be what it looks like: “dеlete” mixes Latin and
	//          ¦ Cyrillic letters: \u{435} looks like e
	// Server     files
	// Tool       dеlete_file
	// Effect     destructive
	// Principal  alice
	// Client     /usr/bin/agent
	// Why        destructive calls ask
	// Session    4711@1
	// Method     tools/call
	// Created    2040-01-02 03:04:05 UTC
	// Expires    2040-01-02 03:14:05 UTC
	// Arguments (secrets masked)
	//   | {
	//   |   "path": "a"
	//   | }
	// Preview (delete)
	//   | 3 files
	//
	// To let it run once:  ostiary approve 0123456789abcdef
	// To refuse it:        ostiary deny 0123456789abcdef --reason …
}
