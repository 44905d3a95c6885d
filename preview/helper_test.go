package preview

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
)

type previewer = func(context.Context, *ostiary.Call) (*ostiary.Preview, error)

func call(args map[string]any) *ostiary.Call { return &ostiary.Call{Args: args} }

// made is a preview that must succeed and keep the bounds.
func made(t testing.TB, f previewer, args map[string]any) *ostiary.Preview {
	t.Helper()
	p, err := f(t.Context(), call(args))
	if err != nil {
		t.Fatal(err)
	}
	if p.Target == (ostiary.Digest{}) || p.Kind == "" || len(p.Text) > maxBytes+2000 || strings.Count(p.Text, "\n") > maxLines+5 {
		t.Errorf("kind %q, target %x, %d bytes, %d lines", p.Kind, p.Target, len(p.Text), strings.Count(p.Text, "\n"))
	}
	return p
}

func refused(t testing.TB, what string, f previewer, args map[string]any) {
	t.Helper()
	p, err := f(t.Context(), call(args))
	if p != nil || ostiary.AsError(err).Code != ostiary.CodePreviewFailed {
		t.Errorf("%s: %+v, %v", what, p, err)
		return
	}
	if m := ostiary.AsError(err).Message; !strings.Contains(m, "send ") && !strings.Contains(m, "operator") && !strings.Contains(m, "correct ") {
		t.Errorf("%s: the message tells no next step: %s", what, m)
	}
}

func file(t testing.TB, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func holds(t testing.TB, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in:\n%.2000s", part, text)
		}
	}
}
