package config

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/approval"
	"github.com/ostiary/ostiary/untrusted/detect"
)

// The bounds of what is looked at for one card.
const (
	signalTexts = 1000
	signalBytes = 1 << 20
	signalLines = 3 // that are about the arguments
)

// signals say on the card of a call what speaks for caution: what its session had read
// before, and what reads like an instruction to a model in its arguments, in the
// question of a server, or in the tool's own description.
type signals struct {
	memory   *approval.Memory
	detector *detect.Detector
	clean    func(string) string // takes secrets out of names

	mu    sync.Mutex
	tools map[string][]string // by upstream and tool, the rules that its description met
}

func newSignals(d *detect.Detector, clean func(string) string) *signals {
	return &signals{detector: d, clean: clean, tools: map[string][]string{}}
}

// listed looks at the description of a tool when rules are compiled for it.
func (s *signals) listed(t ostiary.Tool) {
	if s == nil {
		return
	}
	sig := s.detector.Description(t.Description)
	s.mu.Lock()
	defer s.mu.Unlock()
	if sig.Score >= approval.LeastSignal {
		s.tools[t.Upstream+"/"+t.Name] = sig.Rules
	} else {
		delete(s.tools, t.Upstream+"/"+t.Name)
	}
}

// about says it for one call.
func (s *signals) about(ctx context.Context, c *ostiary.Call) []string {
	lines := s.memory.Before(ctx, c)
	if c.Class == ostiary.ClassTool {
		s.mu.Lock()
		rules := s.tools[c.Upstream+"/"+c.Target]
		s.mu.Unlock()
		if len(rules) > 0 {
			lines = append(lines, "the tool's own description reads like an instruction to the model: "+strings.Join(rules, ", "))
		}
	}
	what := "the arguments hold"
	if c.Class == ostiary.ClassElicitation {
		what = "the server's question holds"
	}
	l := signalLook{s: s, upstream: c.Upstream, texts: signalTexts, bytes: signalBytes}
	l.value("", c.Args)
	l.value("", c.BesideArgs)
	for i, found := range l.found {
		if i == signalLines {
			lines = append(lines, fmt.Sprintf("%s %d more such texts", what, len(l.found)-i))
			break
		}
		lines = append(lines, what+" text that reads like an instruction to a model, "+found)
	}
	if l.texts < 0 || l.bytes < 0 {
		lines = append(lines, what+" more text than was looked at for instructions")
	}
	return lines
}

// signalLook goes over the texts of arguments.
type signalLook struct {
	s            *signals
	upstream     string
	texts, bytes int
	found        []string
}

func (l *signalLook) value(at string, v any) {
	if l.texts < 0 || l.bytes < 0 {
		return
	}
	switch v := v.(type) {
	case string:
		l.text(at, v)
	case []any:
		for i, one := range v {
			l.value(at+"/"+strconv.Itoa(i), one)
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			l.text(at, name)
			l.value(at+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(name), v[name])
		}
	}
}

func (l *signalLook) text(at, text string) {
	l.texts--
	l.bytes -= len(text)
	if l.texts < 0 || l.bytes < 0 {
		return
	}
	if sig := l.s.detector.ScanFrom(l.upstream, []byte(text)); sig.Score >= approval.LeastSignal {
		if at == "" {
			at = "the top"
		}
		l.found = append(l.found, fmt.Sprintf("at %.80s: %s", l.s.clean(at), strings.Join(sig.Rules, ", ")))
	}
}
