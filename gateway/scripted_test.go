package gateway

import (
	"bufio"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/policy"
	"github.com/ostiary/ostiary/wire"
)

// scripted is a server that answers the handshake and lists; everything else it
// hands to the test as it came, and says what the test tells it to.
type scripted struct {
	t    testing.TB
	got  chan string // raw lines
	quit chan struct{}
	out  *io.PipeWriter
	mu   sync.Mutex
	// auto answers a message by itself: the lines to say, and whether it did.
	auto func(m *wire.Message) ([]string, bool)
}

const twoTools = `{"tools":[` +
	`{"name":"read","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true,"openWorldHint":false}},` +
	`{"name":"slow","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true}},` +
	`{"name":"put","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":false}}]}`

// rows let the tools pass: read stays inside, put has an effect, slow has little
// time.
func rows() policy.Options {
	return policy.Options{Rows: []policy.Row{
		{Kind: policy.Tool, Pattern: "up/read", Effect: ostiary.EffectRead, Closed: true},
		{Kind: policy.Tool, Pattern: "up/put", Effect: ostiary.EffectWrite},
		{Kind: policy.Tool, Pattern: "up/slow", Effect: ostiary.EffectRead, Timeout: 100 * time.Millisecond},
	}}
}

func result(m *wire.Message, body string) string {
	return `{"jsonrpc":"2.0","id":` + string(m.ID) + `,"result":` + body + `}`
}

// handshakes is the usual auto.
func handshakes(tools string) func(*wire.Message) ([]string, bool) {
	return func(m *wire.Message) ([]string, bool) {
		switch m.Method {
		case "initialize":
			return []string{result(m, `{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}}`)}, true
		case "notifications/initialized":
			return nil, true
		case "tools/list":
			return []string{result(m, tools)}, true
		}
		return nil, false
	}
}

func newScripted(t testing.TB) *scripted {
	return &scripted{t: t, got: make(chan string, 1<<14), quit: make(chan struct{}), auto: handshakes(twoTools)}
}

// behind puts the server behind a door.
func (s *scripted) behind(o *Options) {
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	s.out = outW
	p := &piped{in: inW, out: outR, exited: make(chan struct{})}
	go func() {
		defer close(p.exited)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			s.readAll(inR)
		}()
		select {
		case <-ended:
		case <-s.quit:
		}
		inR.Close()
		outW.Close()
		<-ended
	}()
	o.Server = p
}

func (s *scripted) readAll(in io.Reader) {
	r := bufio.NewReaderSize(in, 1<<16)
	for {
		l, err := r.ReadString('\n')
		if err != nil {
			return
		}
		l = strings.TrimSuffix(l, "\n")
		m, err := wire.Parse([]byte(l), wire.Limits{})
		if err != nil {
			s.t.Errorf("the server got %q: %v", l, err)
			continue
		}
		if lines, done := s.auto(m); done {
			s.say(lines...)
			continue
		}
		s.got <- l
	}
}

func (s *scripted) say(lines ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range lines {
		if _, err := io.WriteString(s.out, l+"\n"); err != nil {
			return // the door has closed
		}
	}
}

// next returns the next line that the test must deal with.
func (s *scripted) next(parts ...string) string {
	s.t.Helper()
	select {
	case l := <-s.got:
		return has(s.t, l, parts...)
	case <-time.After(patience):
		s.t.Fatal("the server got nothing")
		return ""
	}
}

// nothing checks that the server has got no line, once b has an answer to a ping
// that the client sent after all it did.
func (s *scripted) nothing(b *bench) {
	s.t.Helper()
	b.send(`{"jsonrpc":"2.0","id":"nothing?","method":"ping"}`)
	if got := s.next(); !strings.Contains(got, `"nothing?"`) {
		s.t.Fatalf("the server got %s", got)
	}
	s.say(`{"jsonrpc":"2.0","id":"nothing?","result":{}}`)
	b.want(`"nothing?"`)
}
