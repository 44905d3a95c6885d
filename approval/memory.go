package approval

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ostiary/ostiary"
)

const (
	bucketSignal = "signal"
	// signalLife is how long a card speaks of what was read.
	signalLife = 24 * time.Hour
	// signalsKept are the newest of a session, signalsShown those that a card names.
	signalsKept  = 8
	signalsShown = 3
	// signalQuiet is how long the same signal of the same source is not written again.
	signalQuiet = time.Minute
	// LeastSignal is the score from which on a text is named on a card as one that
	// reads like an instruction; below it honest text would be named too often.
	LeastSignal = 0.5
	// signalsTold bounds what is remembered of that.
	signalsTold = 4096
)

// MemoryOptions are what a Memory needs; Clean and Logger may be nil.
type MemoryOptions struct {
	Store ostiary.Store
	Clock func() time.Time
	// Clean takes secrets out of what names a source.
	Clean  func(string) string
	Logger *slog.Logger
}

// Memory remembers for a day which results of a session held what reads like an
// instruction or hides characters, so that the card of a later call can say what the
// model had read before. It is shared by all doors of a state directory. As the last
// filter it sees what the others found and let pass. It bounds itself: the newest eight
// sources of a session. It is used by many goroutines at once.
type Memory struct {
	o    MemoryOptions
	mu   sync.Mutex
	told map[string]time.Time
}

var _ ostiary.Filter = (*Memory)(nil)

// NewMemory makes a Memory.
func NewMemory(o MemoryOptions) *Memory {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Clean == nil {
		o.Clean = func(s string) string { return s }
	}
	return &Memory{o: o, told: map[string]time.Time{}}
}

// Name implements [ostiary.Filter].
func (m *Memory) Name() string { return "signals" }

// signal is one row.
type signal struct {
	What string `json:"what"`
	// Where is the tool or what else sent it, Call the last call that brought it.
	Where string    `json:"where"`
	Call  string    `json:"call"`
	Time  time.Time `json:"time"`
}

// Apply implements [ostiary.Filter]. It changes nothing and withholds nothing: a
// memory that cannot be written costs a warning on a card, and is logged.
func (m *Memory) Apply(ctx context.Context, c *ostiary.Call, r *ostiary.Result) error {
	if len(r.Findings) == 0 {
		return nil
	}
	what := signalsIn(r.Findings)
	if what == "" {
		return nil
	}
	s := signal{What: what, Where: cut(m.o.Clean(sourceOf(c)), maxName/2), Call: cut(c.ID, maxName), Time: m.o.Clock().UTC()}
	group := sessionKey(c)
	name := group + "/" + s.What + "/" + s.Where
	if m.quiet(name, s.Time) {
		return nil
	}
	if err := m.put(context.WithoutCancel(ctx), group, &s); err != nil {
		m.o.Logger.Warn("approval: what a session has read cannot be remembered, so cards will not say it", "call", c.ID, "err", err)
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.told) >= signalsTold {
		clear(m.told)
	}
	m.told[name] = s.Time
	return nil
}

func (m *Memory) quiet(name string, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	last, ok := m.told[name]
	age := now.Sub(last)
	return ok && age >= 0 && age < signalQuiet
}

func (m *Memory) put(ctx context.Context, group string, s *signal) error {
	value, err := json.Marshal(s)
	if err != nil {
		return err
	}
	name := sha256.Sum256([]byte(s.What + "\x00" + s.Where))
	key := group + hex.EncodeToString(name[:8])
	return m.o.Store.Update(ctx, func(tx ostiary.Tx) error {
		all, err := signals(tx, group)
		if err != nil {
			return err
		}
		slices.SortFunc(all, func(a, b keptSignal) int { return b.Time.Compare(a.Time) })
		for i, one := range all {
			if i >= signalsKept-1 && one.key != key {
				if err := tx.Delete(bucketSignal, one.key); err != nil {
					return err
				}
			}
		}
		return tx.Put(bucketSignal, ostiary.Row{Key: key, Group: group, Expires: s.Time.Add(signalLife), Value: value})
	})
}

// keptSignal is a signal and its row.
type keptSignal struct {
	signal
	key string
}

func signals(tx ostiary.Tx, group string) (all []keptSignal, err error) {
	for r, err := range tx.List(bucketSignal, ostiary.Query{Group: group}) {
		if err != nil {
			return nil, err
		}
		one := keptSignal{key: r.Key}
		if json.Unmarshal(r.Value, &one.signal) == nil {
			all = append(all, one)
		}
	}
	return all, nil
}

// Before says for a card what the session of a call has read, the newest first.
func (m *Memory) Before(ctx context.Context, c *ostiary.Call) []string {
	var all []keptSignal
	err := m.o.Store.View(ctx, func(tx ostiary.Tx) (err error) {
		all, err = signals(tx, sessionKey(c))
		return err
	})
	if err != nil {
		return []string{"what this session has read before cannot be told: " + ostiary.AsError(err).Message}
	}
	now := m.o.Clock()
	all = slices.DeleteFunc(all, func(s keptSignal) bool { return now.Sub(s.Time) >= signalLife })
	slices.SortFunc(all, func(a, b keptSignal) int {
		return cmp.Or(b.Time.Compare(a.Time), cmp.Compare(a.key, b.key))
	})
	var lines []string
	for _, s := range all[:min(len(all), signalsShown)] {
		lines = append(lines, fmt.Sprintf("read before: %s in %s (call %s)", s.What, s.Where, s.Call))
	}
	if more := len(all) - signalsShown; more > 0 {
		lines = append(lines, fmt.Sprintf("read before: the like from %d more sources", more))
	}
	return lines
}

// signalsIn says what of the findings a person should know who decides about a later
// call; "" if nothing. Secrets are no signal.
func signalsIn(findings []ostiary.Finding) string {
	var reads, hides bool
	for i := range findings {
		switch findings[i].Stage {
		case "detect":
			reads = reads || findings[i].Score >= LeastSignal
		case "untrusted":
			hides = true
		}
	}
	var what []string
	if reads {
		what = append(what, "instruction-like text")
	}
	if hides {
		what = append(what, "hidden characters")
	}
	return strings.Join(what, " and ")
}

func sourceOf(c *ostiary.Call) string {
	where := c.Upstream + "/" + c.Target
	if c.Class != ostiary.ClassTool {
		where = strings.TrimSpace(c.Upstream + " " + c.Method + " " + c.Target)
	}
	return where
}

// sessionKey groups by who speaks and in which session.
func sessionKey(c *ostiary.Call) string {
	d := digestOf(c.Principal.ID, c.Session)
	return hex.EncodeToString(d[:16])
}
