package idempotency

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
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
	s := openStore(t, stateDir(t))
	w := &world{}
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	l := newLine(t, nil, newGate(t, s, func(o *Options) { o.Clock = func() time.Time { return now } }))
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

// A call without an answer asks, and of all who were allowed one runs.
func TestAnUnknownOutcomeAsks(t *testing.T) {
	withheld := filter(func() error { return errBroken })
	for name, lose := range map[string]func(s ostiary.Store, w *world){
		"time-out": func(s ostiary.Store, _ *world) {
			newLine(t, nil, newGate(t, s, nil)).Do(t.Context(), pay("k", 1), fails(context.DeadlineExceeded))
		},
		"withdrawn": func(s ostiary.Store, _ *world) {
			ctx, cancel := context.WithCancel(t.Context())
			newLine(t, nil, newGate(t, s, nil)).Do(ctx, pay("k", 1), func(ctx context.Context, _ *ostiary.Call) (*ostiary.Result, error) {
				cancel()
				return nil, ctx.Err()
			})
		},
		"panic": func(s ostiary.Store, _ *world) {
			newLine(t, nil, newGate(t, s, nil)).Do(t.Context(), pay("k", 1), func(context.Context, *ostiary.Call) (*ostiary.Result, error) { panic("x") })
		},
		"withheld": func(s ostiary.Store, w *world) {
			l, err := ostiary.New(ostiary.Options{
				Gates: []ostiary.Gate{newGate(t, s, nil)}, Filters: []ostiary.Filter{withheld}, Recorder: pen{}, Timeout: time.Minute, Now: time.Now,
			})
			if err != nil {
				t.Fatal(err)
			}
			l.Do(t.Context(), pay("k", 1), w.run)
			w.runs = 0
		},
		"crash while it ran": func(s ostiary.Store, _ *world) {
			d, err := newGate(t, s, func(o *Options) { o.Owner = "dead" }).Check(t.Context(), pay("k", 1))
			if err != nil || d.Hold.Commit() != nil {
				t.Fatal(d, err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := openStore(t, stateDir(t))
			w := &world{}
			lose(s, w)
			g := newGate(t, s, func(o *Options) { o.Alive = func(owner string) bool { return owner != "dead" } })
			_, d := newLine(t, nil, g).Do(t.Context(), pay("k", 1), w.run)
			want(t, "nobody to ask", d, ostiary.CodeIdempotencyUnknown, ostiary.Deny)
			_, d = newLine(t, person(ostiary.Deny), g).Do(t.Context(), pay("k", 1), w.run)
			want(t, "a person says no", d, ostiary.CodeIdempotencyUnknown, ostiary.Deny)
			_, d = newLine(t, person(ostiary.Allow), g).Do(t.Context(), pay("k", 2), w.run)
			want(t, "another call", d, ostiary.CodeIdempotencyConflict, ostiary.Deny)
			if w.runs != 0 {
				t.Fatalf("%d effects without a person", w.runs)
			}
			// Ten were asked about and all are allowed at once.
			var ready, wg sync.WaitGroup
			ready.Add(10)
			together := person2(func() { ready.Done(); ready.Wait() })
			won, over := 0, 0
			var mu sync.Mutex
			for range 10 {
				wg.Go(func() {
					_, d := newLine(t, together, g).Do(t.Context(), pay("k", 1), w.run)
					mu.Lock()
					defer mu.Unlock()
					switch {
					case d.Verdict == ostiary.Allow:
						won++
					case d.Code == ostiary.CodeIdempotencyRunning:
						over++
					default:
						t.Errorf("%+v", d)
					}
				})
			}
			wg.Wait()
			if won != 1 || over != 9 || w.runs != 1 {
				t.Errorf("%d won, %d came too late, %d effects", won, over, w.runs)
			}
			_, d = newLine(t, nil, g).Do(t.Context(), pay("k", 1), w.run)
			want(t, "afterwards", d, "", ostiary.Answer)
		})
	}
}

type filter func() error

func (filter) Name() string                                                  { return "test" }
func (f filter) Apply(context.Context, *ostiary.Call, *ostiary.Result) error { return f() }

type person2 func()

func (person2) Name() string { return "approval" }
func (p person2) Settle(context.Context, *ostiary.Call, []ostiary.Decision) (ostiary.Decision, error) {
	p()
	return ostiary.Allowed(), nil
}

// A takeover that did not run leaves the question as it was.
func TestATakeoverThatDidNotRun(t *testing.T) {
	s := openStore(t, stateDir(t))
	g := newGate(t, s, nil)
	newLine(t, nil, g).Do(t.Context(), pay("k", 1), fails(errBroken))
	d, err := g.Check(t.Context(), pay("k", 1))
	if err != nil || d.Verdict != ostiary.Ask {
		t.Fatal(d, err)
	}
	if err := d.Hold.Commit(); err != nil {
		t.Fatal(err)
	}
	d.Hold.Release()
	d, err = g.Check(t.Context(), pay("k", 1))
	if err != nil || d.Verdict != ostiary.Ask || d.Code != ostiary.CodeIdempotencyUnknown {
		t.Fatal(d, err)
	}
}

func TestALaterDenialFreesTheKey(t *testing.T) {
	s := openStore(t, stateDir(t))
	w := &world{}
	deny := gateFunc(func(context.Context, *ostiary.Call) (ostiary.Decision, error) {
		return ostiary.Decision{Code: ostiary.CodePolicyDeny, Message: "no: ask the operator"}, nil
	})
	g := newGate(t, s, nil)
	_, d := newLine(t, nil, g, deny).Do(t.Context(), pay("k", 1), w.run)
	want(t, "denied", d, ostiary.CodePolicyDeny, ostiary.Deny)
	if got := rows(t, s); len(got) != 0 {
		t.Errorf("left behind: %+v", got)
	}
	_, d = newLine(t, nil, g).Do(t.Context(), pay("k", 2), w.run)
	want(t, "another call with that key", d, "", ostiary.Allow)
}

// A call whose gates behind could not commit has not run, and its key is free.
func TestAFailedCommitBehindFreesTheKey(t *testing.T) {
	s := openStore(t, stateDir(t))
	w := &world{}
	g := newGate(t, s, nil)
	taken := gateFunc(func(context.Context, *ostiary.Call) (ostiary.Decision, error) {
		return ostiary.Decision{Verdict: ostiary.Allow, Hold: &ostiary.Hold{Commit: func() error { return errBroken }}}, nil
	})
	_, d := newLine(t, nil, g, taken).Do(t.Context(), pay("k", 1), w.run)
	want(t, "refused", d, ostiary.CodeInternal, ostiary.Deny)
	if got := rows(t, s); len(got) != 0 || w.runs != 0 {
		t.Errorf("%d runs, left behind: %+v", w.runs, got)
	}
	_, d = newLine(t, nil, g).Do(t.Context(), pay("k", 1), w.run)
	want(t, "the same call again", d, "", ostiary.Allow)
}

// A reservation that somebody took over does not commit.
func TestCommitNeedsTheKeyStill(t *testing.T) {
	s := openStore(t, stateDir(t))
	slow, err := newGate(t, s, func(o *Options) { o.Owner = "slow" }).Check(t.Context(), pay("k", 1))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{}
	g := newGate(t, s, func(o *Options) { o.Alive = func(string) bool { return false } })
	_, d := newLine(t, nil, g).Do(t.Context(), pay("k", 1), w.run)
	want(t, "takes over", d, "", ostiary.Allow)
	if err := slow.Hold.Commit(); ostiary.AsError(err).Code != ostiary.CodeIdempotencyRunning {
		t.Errorf("the first commits: %v", err)
	}
	slow.Hold.Release()
	_, d = newLine(t, nil, g).Do(t.Context(), pay("k", 1), w.run)
	want(t, "repetition", d, "", ostiary.Answer)
}

func TestAStoreThatIsDownDenies(t *testing.T) {
	s := openStore(t, stateDir(t))
	w := &world{}
	l := newLine(t, person(ostiary.Allow), newGate(t, s, nil))
	d, err := newGate(t, s, nil).Check(t.Context(), pay("half", 1))
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	_, got := l.Do(t.Context(), pay("k", 1), w.run)
	want(t, "with a key", got, ostiary.CodeStoreUnavailable, ostiary.Deny)
	if err := d.Hold.Commit(); ostiary.AsError(err).Code != ostiary.CodeStoreUnavailable {
		t.Errorf("commit: %v", err)
	}
	if w.runs != 0 {
		t.Errorf("%d effects", w.runs)
	}
	_, got = l.Do(t.Context(), pay("", 1), w.run)
	want(t, "without a key", got, "", ostiary.Allow)
}

// What a process could not note it remembers itself.
func TestAnEndThatWasNotNoted(t *testing.T) {
	dir := stateDir(t)
	s := openStore(t, dir)
	f := &failing{Store: s}
	g := newGate(t, f, func(o *Options) { o.Clock = time.Now })
	w := &world{}
	l := newLine(t, nil, g)
	_, d := l.Do(t.Context(), pay("k", 1), func(ctx context.Context, c *ostiary.Call) (*ostiary.Result, error) {
		f.down = true
		return w.run(ctx, c)
	})
	want(t, "first", d, "", ostiary.Allow)
	f.down = false
	_, d = l.Do(t.Context(), pay("k", 1), w.run)
	want(t, "repetition", d, ostiary.CodeIdempotencyUnknown, ostiary.Deny)
	_, d = newLine(t, nil, g, gateFunc(func(context.Context, *ostiary.Call) (ostiary.Decision, error) {
		f.down = true
		return ostiary.Decision{Code: ostiary.CodePolicyDeny, Message: "no"}, nil
	})).Do(t.Context(), pay("j", 1), w.run)
	want(t, "denied", d, ostiary.CodePolicyDeny, ostiary.Deny)
	f.down = false
	_, d = l.Do(t.Context(), pay("j", 1), w.run)
	want(t, "its repetition", d, "", ostiary.Allow)
}

type failing struct {
	ostiary.Store
	down bool
}

func (f *failing) Update(ctx context.Context, do func(ostiary.Tx) error) error {
	if f.down {
		return &ostiary.Error{Code: ostiary.CodeStoreUnavailable, Message: "down"}
	}
	return f.Store.Update(ctx, do)
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
