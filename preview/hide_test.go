package preview

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
)

var (
	key    = regexp.MustCompile(`SECRET-[0-9]{24}`)
	secret = "SECRET-" + strings.Repeat("0123", 6)
	block  = regexp.MustCompile(`(?s)BEGIN.*END`)
)

// hides is a redactor as the house has one: it knows whole secrets only.
func hides(_ *ostiary.Call, s string) string {
	return block.ReplaceAllString(key.ReplaceAllString(s, "[REDACTED]"), "[REDACTED]")
}

// TestSecretsAreHiddenBeforeAnythingIsCut: what is left of a secret that was cut, or
// of which a difference shows a part, is not known for one any more.
func TestSecretsAreHiddenBeforeAnythingIsCut(t *testing.T) {
	dir := t.TempDir()
	body := strings.Repeat("MIIEpAIBAAKCAQEA\n", 30)
	file(t, dir, "line", "first\n"+strings.Repeat("x", maxLine-15)+secret+"\nlast\n")
	file(t, dir, "block", "head\nBEGIN\n"+body+"END\ntail\n")
	long := strings.Repeat("d", 140) + "/" + strings.Repeat("e", 140) + "/" + secret // cut within
	file(t, dir, long+"/f", "")
	if err := os.Symlink(secret, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	writes := func(r func(*ostiary.Call, string) string) previewer {
		f, err := Write(WriteOptions{Path: "path", Content: "content", Root: dir, Redact: r})
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	deletes := func(r func(*ostiary.Call, string) string) previewer {
		return deleter(t, DeleteOptions{Root: dir, Redact: r})
	}
	explains := func(r func(*ostiary.Call, string) string) previewer {
		return sqlPreview(t, SQLOptions{Redact: r, Parse: func(context.Context, string, string) (SQLSummary, error) {
			return SQLSummary{Statements: 1, Classes: []string{"select"}, Tables: []string{strings.Repeat("t", 290) + secret}}, nil
		}})
	}
	for _, c := range []struct {
		name   string
		make   func(func(*ostiary.Call, string) string) previewer
		args   map[string]any
		leaked string
	}{
		{"a line that is cut", writes, write("line", "first\nlast\n"), secret[:10]},
		{"a part of a block", writes, write("block", "head\nBEGIN\n"+body+"END\nother\n"), "MIIE"},
		{"a new file", writes, write("new", secret), secret[:10]},
		{"a name that is cut", deletes, at(long), secret[:10]},
		{"a link", deletes, at("link"), secret[:10]},
		{"a table", explains, q("x"), secret[:10]},
	} {
		open, shut := made(t, c.make(nil), c.args), made(t, c.make(hides), c.args)
		if !strings.Contains(open.Text, c.leaked) {
			t.Errorf("%s: control: nothing leaks without a redactor:\n%s", c.name, open.Text)
		}
		if strings.Contains(shut.Text, c.leaked) || !strings.Contains(shut.Text, "[REDACTED]") && c.leaked != "MIIE" {
			t.Errorf("%s: %s", c.name, shut.Text)
		}
		if open.Target != shut.Target {
			t.Errorf("%s: the target depends on what is shown", c.name)
		}
	}
}

// TestAHiddenChangeIsCounted: who exchanges a secret changes something.
func TestAHiddenChangeIsCounted(t *testing.T) {
	dir := t.TempDir()
	file(t, dir, "a", "key: "+secret+"\nother: 1\n")
	f, err := Write(WriteOptions{Path: "path", Content: "content", Root: dir, Redact: hides})
	if err != nil {
		t.Fatal(err)
	}
	another := strings.ReplaceAll(secret, "0", "9")
	holds(t, made(t, f, write("a", "key: "+another+"\nother: 1\n")).Text, "0 lines added, 0 removed; secrets are not shown, with them it is 1 added, 1 removed\n")
	holds(t, made(t, f, write("a", "key: "+another+"\nother: 2\n")).Text, "1 line added, 1 removed; secrets are not shown, with them it is 2 added, 2 removed\n", "-other: 1", "+other: 2")
	holds(t, made(t, f, write("a", "key: "+secret+"\nother: 2\n")).Text, "1 line added, 1 removed; secrets are not shown\n")
	holds(t, made(t, f, write("a", "key: "+secret+"\nother: 1\n")).Text, "nothing changes")
}
