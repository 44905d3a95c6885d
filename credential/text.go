package credential

import (
	"context"
	"strings"
	"sync"
	"time"
)

// fresh is how old what is known of a file may be.
const fresh = time.Second

// defaultRefresh is after how long a program runs again.
const defaultRefresh = 5 * time.Minute

// text is a value of parts.
type text struct {
	o      Options
	source string
	parts  []part

	mu   sync.Mutex
	told string // was given to Learn last
}

// part is one piece; renew reports whether it is another one now.
type part interface {
	get(ctx context.Context) (string, error)
	renew(ctx context.Context, refused string) bool
}

func newText(o Options, source string, parts []Part, refresh time.Duration) *text {
	t := &text{o: o, source: source}
	for _, p := range parts {
		switch {
		case p.File != "":
			t.parts = append(t.parts, &file{t: t, path: p.File})
		case len(p.Exec) > 0:
			t.parts = append(t.parts, newProgram(t, p.Exec, refresh))
		default:
			t.parts = append(t.parts, fixed(p.Text))
		}
	}
	return t
}

func (t *text) get(ctx context.Context) (string, error) {
	var all strings.Builder
	var moving []string
	for _, p := range t.parts {
		s, err := p.get(ctx)
		if err != nil {
			return "", err
		}
		if _, still := p.(fixed); !still {
			moving = append(moving, s)
		}
		all.WriteString(s)
	}
	s := all.String()
	if strings.TrimSpace(s) == "" || strings.ContainsAny(s, "\r\n\x00") {
		return "", unavailable(t.source, "it is empty or has more than one line", nil)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if s != t.told {
		t.o.Learn(t.source, secrets(s, moving)...)
		t.told = s
	}
	return s, nil
}

func (t *text) renew(ctx context.Context, refused string) bool {
	for _, p := range t.parts {
		if before, err := p.get(ctx); err == nil && strings.Contains(refused, before) {
			p.renew(ctx, before)
		}
	}
	now, err := t.get(ctx)
	return err == nil && now != refused
}

// usable refuses what a source must not give: part of a file that is being
// written, an empty answer, something too short to be found again.
func (t *text) usable(what, s string) error {
	switch {
	case strings.TrimSpace(s) == "":
		return unavailable(t.source, what+" is empty", nil)
	case len(s) < t.o.Least:
		return unavailable(t.source, what+" is too short to be a credential", nil)
	case strings.ContainsAny(s, "\r\n\x00"):
		return unavailable(t.source, what+" has more than one line", nil)
	}
	return nil
}

type fixed string

func (f fixed) get(context.Context) (string, error) { return string(f), nil }
func (f fixed) renew(context.Context, string) bool  { return false }

// file is read again when a second has passed: comparing what it says finds every
// change, also one that keeps its time, its size and its inode.
type file struct {
	t    *text
	path string

	mu     sync.Mutex
	looked time.Time
	text   string
	err    error
}

func (f *file) get(context.Context) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.t.o.Now()
	if age := now.Sub(f.looked); f.looked.IsZero() || age < 0 || age >= fresh {
		f.read(now)
	}
	return f.text, f.err
}

func (f *file) read(now time.Time) {
	f.looked = now
	s, err := f.t.o.ReadFile(f.path)
	if err != nil {
		f.text, f.err = "", unavailable(f.t.source, "a file cannot be read", err)
		return
	}
	f.text, f.err = s, f.t.usable(f.path, s)
}

func (f *file) renew(_ context.Context, refused string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.read(f.t.o.Now())
	return f.err == nil && f.text != refused
}
