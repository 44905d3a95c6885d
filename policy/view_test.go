package policy

import (
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
)

// mailbox is a server with a reader's and a writer's view, and a third by effect.
func mailbox(t *testing.T) (*Views, *Book) {
	t.Helper()
	views, problems := NewViews("mail", []View{
		{Name: "reader", Tools: []string{"read_*", "list"}, Resources: []string{"mail://inbox/*"}},
		{Name: "writer", Tools: []string{"send", "move_*"}, Prompts: []string{"reply*"}},
		{Name: "cleaner", Effects: []ostiary.Effect{ostiary.EffectDestructive}},
	})
	if problems != nil {
		t.Fatal(problems)
	}
	p, err := New(Options{Rows: []Row{
		{Kind: Tool, Pattern: "mail/read_*", Effect: ostiary.EffectRead},
		{Kind: Tool, Pattern: "mail/list", Effect: ostiary.EffectRead},
		{Kind: Tool, Pattern: "mail/send", Effect: ostiary.EffectSpend},
		{Kind: Tool, Pattern: "mail/move_*", Effect: ostiary.EffectDestructive},
		{Kind: Tool, Pattern: "mail/purge", Effect: ostiary.EffectDestructive},
	}})
	if err != nil {
		t.Fatal(err)
	}
	var tools []ostiary.Tool
	for _, name := range []string{"read_one", "list", "send", "move_one", "purge", "archive_read_x"} {
		tools = append(tools, ostiary.Tool{Upstream: "mail", Name: name})
	}
	book, _ := p.Compile("mail", tools)
	return views, book
}

// TestViewsAreApart: each tool, resource and prompt is there in one view, and to the
// others it cannot be told from one that the server does not have.
func TestViewsAreApart(t *testing.T) {
	views, whole := mailbox(t)
	books := map[string]*Book{}
	for _, name := range []string{"reader", "writer", "cleaner", "nobody"} {
		books[name], _ = views.Book(whole, name)
	}
	code := func(r *ostiary.Rule) ostiary.Code {
		if r.Forbid == nil {
			return ""
		}
		return r.Forbid.Code
	}
	const unknown, shared = ostiary.CodePolicyUnknown, ostiary.CodePolicyView
	for _, c := range []struct {
		what                    string
		ask                     func(*Book) *ostiary.Rule
		reader, writer, cleaner ostiary.Code
	}{
		{"read_one", func(b *Book) *ostiary.Rule { return b.Tool("read_one") }, "", unknown, unknown},
		{"list", func(b *Book) *ostiary.Rule { return b.Tool("list") }, "", unknown, unknown},
		{"send", func(b *Book) *ostiary.Rule { return b.Tool("send") }, unknown, "", unknown},
		{"purge", func(b *Book) *ostiary.Rule { return b.Tool("purge") }, unknown, unknown, ""},
		{"move_one", func(b *Book) *ostiary.Rule { return b.Tool("move_one") }, unknown, shared, shared},
		{"no such", func(b *Book) *ostiary.Rule { return b.Tool("no such") }, unknown, unknown, unknown},
		{"mail", func(b *Book) *ostiary.Rule { return b.Resource("mail://inbox/7") }, "", unknown, unknown},
		{"other mail", func(b *Book) *ostiary.Rule { return b.Resource("mail://outbox/7") }, unknown, unknown, unknown},
		{"mail by another name", func(b *Book) *ostiary.Rule { return b.Resource("MAIL://inbox/7") }, ostiary.CodePolicyDeny, unknown, unknown},
		{"mail by a detour", func(b *Book) *ostiary.Rule { return b.Resource("mail://inbox/../outbox/7") }, ostiary.CodePolicyDeny, unknown, unknown},
		{"a prompt", func(b *Book) *ostiary.Rule { return b.Method("prompts/get", ostiary.ClassPrompt, "reply_all") }, unknown, "", unknown},
		{"a list", func(b *Book) *ostiary.Rule { return b.Method("tools/list", ostiary.ClassList, "") }, "", "", ""},
	} {
		if code(c.ask(whole)) != "" && c.what != "no such" {
			t.Errorf("%s: the whole server refuses it: %v", c.what, c.ask(whole).Forbid)
		}
		for view, want := range map[string]ostiary.Code{"reader": c.reader, "writer": c.writer, "cleaner": c.cleaner} {
			if got := code(c.ask(books[view])); got != want {
				t.Errorf("%s in %s: %q, want %q", c.what, view, got, want)
			}
		}
		if c.what != "a list" && code(c.ask(books["nobody"])) == "" {
			t.Errorf("%s is in a view that is not there", c.what)
		}
	}
	there, none := books["writer"].Tool("read_one").Forbid, books["writer"].Tool("raed_one").Forbid
	if strings.ReplaceAll(there.Message, "read_one", "X") != strings.ReplaceAll(none.Message, "raed_one", "X") {
		t.Errorf("%q tells the tool of another view from none: %q", there.Message, none.Message)
	}
	if _, closed := views.Book(whole, "writer"); len(closed) != 1 || closed[0] != "move_one" {
		t.Errorf("shared: %q", closed)
	}
}
