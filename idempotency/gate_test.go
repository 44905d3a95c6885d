package idempotency

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

func TestARepetitionGetsTheSameBytes(t *testing.T) {
	dir := stateDir(t)
	s := openStore(t, dir)
	w := &world{}
	l := newLine(t, nil, newGate(t, s, nil))
	first, d := l.Do(t.Context(), pay("k1", 5), w.run)
	want(t, "first", d, "", ostiary.Allow)
	if !strings.HasPrefix(d.Under, "key ") || len(d.Under) != len("key ")+12 || strings.Contains(d.Under, "k1") {
		t.Errorf("under %q", d.Under)
	}
	for i := range 3 {
		if i == 2 { // the door starts again, under another name
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = openStore(t, dir)
			l = newLine(t, nil, newGate(t, s, func(o *Options) { o.Owner = "next"; o.Alive = func(string) bool { return false } }))
		}
		r, d := l.Do(t.Context(), pay("k1", 5), w.run)
		want(t, "repetition", d, "", ostiary.Answer)
		if r == nil || !bytes.Equal(r.Body, answer(1)) || !bytes.Equal(r.Body, first.Body) || r.Text != first.Text || r.Status != ostiary.StatusOK {
			t.Errorf("repetition %d: %+v", i, r)
		}
	}
	if w.runs != 1 {
		t.Errorf("%d effects", w.runs)
	}
	// Control: without the gate the repetition pays again.
	bare := newLine(t, nil, gateFunc(func(context.Context, *ostiary.Call) (ostiary.Decision, error) { return ostiary.Allowed(), nil }))
	if bare.Do(t.Context(), pay("k1", 5), w.run); w.runs != 2 {
		t.Errorf("control: %d effects", w.runs)
	}
}

func TestWhatAKeyBelongsTo(t *testing.T) {
	s := openStore(t, stateDir(t))
	w := &world{}
	l := newLine(t, nil, newGate(t, s, nil))
	l.Do(t.Context(), pay("k1", 5), w.run)
	_, d := l.Do(t.Context(), pay("k1", 6), w.run)
	want(t, "other arguments", d, ostiary.CodeIdempotencyConflict, ostiary.Deny)
	if w.runs != 1 {
		t.Fatalf("%d effects", w.runs)
	}
	for name, change := range map[string]func(*ostiary.Call){
		"key":       func(c *ostiary.Call) { c.Args.(map[string]any)["key"] = "k2" },
		"principal": func(c *ostiary.Call) { c.Principal.ID = "bob" },
		"upstream":  func(c *ostiary.Call) { c.Upstream = "otherbank" },
		"method":    func(c *ostiary.Call) { c.Method = "tools/other" },
		"target":    func(c *ostiary.Call) { c.Target = "refund" },
		"border":    func(c *ostiary.Call) { c.Upstream, c.Method = "ban", "ktools/call" },
	} {
		before := w.runs
		c := pay("k1", 5)
		change(c)
		_, d := l.Do(t.Context(), c, w.run)
		want(t, name, d, "", ostiary.Allow)
		if w.runs != before+1 {
			t.Errorf("%s: did not run", name)
		}
	}
}

func TestWhichKeySpeaks(t *testing.T) {
	long := strings.Repeat("é", 256)
	for _, test := range []struct {
		name   string
		change func(c *ostiary.Call, args map[string]any)
		code   ostiary.Code
		rows   int
	}{
		{"argument", func(*ostiary.Call, map[string]any) {}, "", 1},
		{"none", func(_ *ostiary.Call, a map[string]any) { delete(a, "key") }, "", 0},
		{"null", func(_ *ostiary.Call, a map[string]any) { a["key"] = nil }, "", 0},
		{"no arguments", func(c *ostiary.Call, _ map[string]any) { c.Args = nil }, "", 0},
		{"arguments of another kind", func(c *ostiary.Call, _ map[string]any) { c.Args = []any{"k"} }, "", 0},
		{"required", func(c *ostiary.Call, a map[string]any) { delete(a, "key"); c.Rule.Idempotency.Required = true }, ostiary.CodeIdempotencyRequired, 0},
		{"required and null", func(c *ostiary.Call, a map[string]any) { a["key"] = nil; c.Rule.Idempotency.Required = true }, ostiary.CodeIdempotencyRequired, 0},
		{"required and in _meta", func(c *ostiary.Call, a map[string]any) {
			delete(a, "key")
			c.Rule.Idempotency.Required, c.Key = true, "m"
		}, "", 1},
		{"in _meta, no argument in the rule", func(c *ostiary.Call, _ map[string]any) { c.Rule.Idempotency.Argument, c.Key = "", "m" }, "", 1},
		{"in _meta without a rule", func(c *ostiary.Call, _ map[string]any) { c.Rule, c.Key = nil, "m" }, "", 1},
		{"the same in both", func(c *ostiary.Call, _ map[string]any) { c.Key = "k" }, "", 1},
		{"two different", func(c *ostiary.Call, _ map[string]any) { c.Key = "m" }, ostiary.CodeIdempotencyConflict, 0},
		{"empty argument", func(_ *ostiary.Call, a map[string]any) { a["key"] = "" }, ostiary.CodeIdempotencyInvalid, 0},
		{"a number", func(_ *ostiary.Call, a map[string]any) { a["key"] = true }, ostiary.CodeIdempotencyInvalid, 0},
		{"a list", func(c *ostiary.Call, a map[string]any) { a["key"] = []any{"k"}; c.Key = "k" }, ostiary.CodeIdempotencyInvalid, 0},
		{"256 characters", func(_ *ostiary.Call, a map[string]any) { a["key"] = long }, "", 1},
		{"257 characters", func(_ *ostiary.Call, a map[string]any) { a["key"] = long + "x" }, ostiary.CodeIdempotencyInvalid, 0},
		{"257 in _meta", func(c *ostiary.Call, a map[string]any) { delete(a, "key"); c.Key = long + "x" }, ostiary.CodeIdempotencyInvalid, 0},
		{"dry run", func(c *ostiary.Call, _ map[string]any) { c.DryRun, c.Rule.Idempotency.Required = true, true }, "", 0},
		{"no tool", func(c *ostiary.Call, _ map[string]any) { c.Class, c.Key = ostiary.ClassList, "m" }, "", 0},
		{"read that stays inside, _meta", func(c *ostiary.Call, a map[string]any) {
			delete(a, "key")
			c.Effect, c.Closed, c.Key = ostiary.EffectRead, true, "m"
		}, "", 0},
		{"read that stays inside, argument", func(c *ostiary.Call, _ map[string]any) { c.Effect, c.Closed = ostiary.EffectRead, true }, "", 1},
		{"read of the open world, _meta", func(c *ostiary.Call, a map[string]any) {
			delete(a, "key")
			c.Effect, c.Key = ostiary.EffectRead, "m"
		}, "", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := openStore(t, stateDir(t))
			w := &world{}
			c := pay("k", 1)
			test.change(c, c.Args.(map[string]any))
			_, d := newLine(t, nil, newGate(t, s, nil)).Do(t.Context(), c, w.run)
			verdict, runs := ostiary.Allow, 1
			if test.code != "" {
				verdict, runs = ostiary.Deny, 0
			}
			want(t, "call", d, test.code, verdict)
			if got := len(rows(t, s)); got != test.rows || w.runs != runs {
				t.Errorf("%d rows, %d effects", got, w.runs)
			}
		})
	}
}

func TestResultsAreKeptForATime(t *testing.T) {
	w := &world{}
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	l := newLine(t, nil, newGate(t, openStoreAt(t, stateDir(t), clock), func(o *Options) { o.Clock = clock }))
	hour := func(key string) *ostiary.Call {
		c := pay(key, 1)
		c.Rule.Idempotency.Keep = time.Hour
		return c
	}
	l.Do(t.Context(), pay("day", 1), w.run)
	l.Do(t.Context(), hour("hour"), w.run)
	for _, step := range []struct {
		after     time.Duration
		day, hour ostiary.Verdict
	}{
		{time.Hour - time.Nanosecond, ostiary.Answer, ostiary.Answer},
		{time.Second, ostiary.Answer, ostiary.Allow},
		{23*time.Hour - 2*time.Second, ostiary.Answer, ostiary.Allow},
		{2 * time.Second, ostiary.Allow, ostiary.Answer},
	} {
		now = now.Add(step.after)
		_, d := l.Do(t.Context(), pay("day", 1), w.run)
		want(t, "day", d, "", step.day)
		_, d = l.Do(t.Context(), hour("hour"), w.run)
		want(t, "hour", d, "", step.hour)
	}
}

func TestWhatCannotBeKept(t *testing.T) {
	s := openStore(t, stateDir(t))
	w := &world{}
	l := newLine(t, nil, newGate(t, s, func(o *Options) { o.MaxResult = 100 }))
	large := func(context.Context, *ostiary.Call) (*ostiary.Result, error) {
		w.runs++
		return &ostiary.Result{Status: ostiary.StatusOK, Body: make([]byte, 90), Text: strings.Repeat("x", 11)}, nil
	}
	r, d := l.Do(t.Context(), pay("large", 1), large)
	want(t, "large", d, "", ostiary.Allow)
	if len(r.Body) != 90 {
		t.Error("the agent did not get it")
	}
	_, d = l.Do(t.Context(), pay("large", 1), large)
	want(t, "large again", d, ostiary.CodeIdempotencyUnknown, ostiary.Deny)
	if w.runs != 1 || !strings.Contains(d.Message, "too large") {
		t.Errorf("%d effects, %s", w.runs, d.Message)
	}
	pending := func(context.Context, *ostiary.Call) (*ostiary.Result, error) {
		return &ostiary.Result{Status: ostiary.StatusPending, Body: []byte(`{"task":{}}`)}, nil
	}
	for range 2 {
		_, d = l.Do(t.Context(), pay("task", 1), pending)
		want(t, "task", d, "", ostiary.Allow)
	}
	for _, st := range []ostiary.Status{ostiary.StatusToolError, ostiary.StatusRPCError} {
		failed := func(context.Context, *ostiary.Call) (*ostiary.Result, error) {
			return &ostiary.Result{Status: st, Body: []byte(`{}`)}, nil
		}
		l.Do(t.Context(), pay(st.String(), 1), failed)
		r, d := l.Do(t.Context(), pay(st.String(), 1), failed)
		want(t, st.String(), d, "", ostiary.Answer)
		if r == nil || r.Status != st {
			t.Errorf("%s: %+v", st, r)
		}
	}
}

func TestTheKeyItselfIsNowhere(t *testing.T) {
	dir := stateDir(t)
	s := openStore(t, dir)
	const secret = "my-very-secret-key-0123456789"
	g := newGate(t, s, nil)
	_, d := newLine(t, nil, g).Do(t.Context(), pay(secret, 1), fails(errBroken))
	_, again := newLine(t, nil, g).Do(t.Context(), pay(secret, 1), fails(errBroken))
	_, other := newLine(t, nil, g).Do(t.Context(), pay(secret, 2), fails(errBroken))
	for _, text := range []string{d.Under, d.Reason, again.Reason, again.Message, again.Under, other.Reason, other.Message} {
		if strings.Contains(text, secret) {
			t.Errorf("the key is in %q", text)
		}
	}
	s.Close()
	files, _ := filepath.Glob(filepath.Join(dir, "store*"))
	found := false
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(raw, []byte(secret)) {
			t.Errorf("the key is in %s", f)
		}
		found = found || bytes.Contains(raw, []byte(`"state":"unknown"`))
	}
	if !found {
		t.Error("control: the row is in no file")
	}
}

func TestRowsThatNobodyWroteDeny(t *testing.T) {
	s := openStore(t, stateDir(t))
	g := newGate(t, s, nil)
	w := &world{}
	newLine(t, nil, g).Do(t.Context(), pay("k", 1), w.run)
	good := rows(t, s)[0]
	for name, value := range map[string]string{
		"empty": "", "no JSON": "x\n", "state": strings.Replace(string(good.Value), "kept", "fine", 1),
		"status": strings.Replace(string(good.Value), `"ok"`, `"fine"`, 1),
		"short":  string(good.Value[:len(good.Value)-1]), "long": string(good.Value) + "x",
		"negative": strings.Replace(string(good.Value), `"body":`, `"body":-`, 1),
	} {
		bad := good
		bad.Value = []byte(value)
		if err := s.Update(t.Context(), func(tx ostiary.Tx) error { return tx.Put(bucket, bad) }); err != nil {
			t.Fatal(err)
		}
		_, d := newLine(t, person(ostiary.Allow), g).Do(t.Context(), pay("k", 1), w.run)
		want(t, name, d, ostiary.CodeStoreUnavailable, ostiary.Deny)
	}
	if w.runs != 1 {
		t.Errorf("%d effects", w.runs)
	}
}

func TestNewRefuses(t *testing.T) {
	s := openStore(t, stateDir(t))
	for name, change := range map[string]func(*Options){
		"store": func(o *Options) { o.Store = nil }, "owner": func(o *Options) { o.Owner = "" },
		"alive": func(o *Options) { o.Alive = nil }, "keep": func(o *Options) { o.Keep = -1 },
		"wait": func(o *Options) { o.Wait = -1 }, "size": func(o *Options) { o.MaxResult = 16 << 20 },
	} {
		o := Options{Store: s, Owner: "o", Alive: func(string) bool { return true }}
		change(&o)
		if _, err := New(o); ostiary.AsError(err).Code != ostiary.CodeConfigInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}
