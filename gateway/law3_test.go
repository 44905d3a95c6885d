package gateway

import (
	"context"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/wire"
)

// witness is a gate that keeps what it was shown and lets everything pass.
type witness struct {
	mu  sync.Mutex
	saw []seen
}

type seen struct {
	target, args, meta string
	decoded            any
	digest             ostiary.Digest
}

func (*witness) Name() string { return "witness" }

func (w *witness) Check(_ context.Context, c *ostiary.Call) (ostiary.Decision, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.saw = append(w.saw, seen{c.Target, string(c.Arguments), string(c.Meta), c.Args, c.Digest})
	return ostiary.Allowed(), nil
}

func (w *witness) last() seen {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.saw[len(w.saw)-1]
}

// TestLaw3TheGatesSeeWhatIsSent compares what a gate was shown with the bytes that
// the server got for the same call, values, digest and all. The control is the
// digest of the neighbouring number, which most parsers cannot tell apart.
func TestLaw3TheGatesSeeWhatIsSent(t *testing.T) {
	w := &witness{}
	s := newScripted(t)
	s.auto = handshakes(anyTool)
	log, err := audit.Open(audit.Options{
		Dir: filepath.Join(t.TempDir(), "state"), Version: "test", Logger: slog.New(slog.DiscardHandler),
		Redact:     func(c *ostiary.Call) []byte { return c.Arguments },
		RedactText: func(s string) string { return s },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	b := openDoor(t, everything(), func(o *Options) {
		s.behind(o)
		var err error
		o.Line, err = ostiary.New(ostiary.Options{Gates: []ostiary.Gate{w}, Recorder: log, Timeout: patience, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
	}).shaken()
	for _, args := range []string{
		`{}`, `{"path":"/ws/../etc"}`, ` { "a" : [ 1.0 , 1e0 , 9007199254740993 ] , "\u0061b":"\/" } `,
		`{"confirm":true,"_meta":{"x":1},"arguments":{"path":"inner"}}`,
	} {
		b.send(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":` + args + `,"_meta":{"v/x":1e2}}}`)
		got, err := wire.Parse([]byte(s.next()), wire.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		s.say(answer("1", "done"))
		b.want(`"done"`)
		saw := w.last()
		if saw.args != string(got.Arguments) || saw.meta != string(got.Meta) || saw.target != got.Name {
			t.Errorf("the gate saw %+v, the server got %s", saw, got.Raw)
		}
		decoded, err := wire.Decode(got.Arguments)
		if err != nil || !reflect.DeepEqual(decoded, saw.decoded) {
			t.Errorf("decoded for the gate: %v, as sent: %v, %v", saw.decoded, decoded, err)
		}
		if digest, err := wire.Digest(got.Arguments); err != nil || digest != saw.digest {
			t.Errorf("the digest is of something else than %s", got.Arguments)
		}
	}
	one, _ := wire.Digest([]byte(`{"n":9007199254740993}`))
	other, _ := wire.Digest([]byte(`{"n":9007199254740992}`))
	var a, z any
	if json.Unmarshal([]byte(`9007199254740993`), &a) != nil || json.Unmarshal([]byte(`9007199254740992`), &z) != nil || a != z || one == other {
		t.Error("the digest does not tell apart what a float64 cannot")
	}
}
