package calltest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/config"
)

// stage is what one run of a case plays on: the door that is open now, and what
// outlives it.
type stage struct {
	c       *testCase
	options Options
	clock   *clock
	log     *logText
	names   names

	file      *config.File // the policy in force
	tools     *section     // what the server lists
	upstream  string       // the server that is called
	upstreams []string     // all that were called
	principal string       // who calls
	visits    int          // of this or another principal, from 1

	door *door
	desk *desk  // nil while nobody has done anything
	held string // the grant that was made last
}

func (s *stage) state() string { return filepath.Join(s.names.work, "state") }

// session names the visit as records have it.
func (s *stage) session() string {
	if s.visits < 2 {
		return "case"
	}
	return fmt.Sprintf("case-%d", s.visits)
}

func (s *stage) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// enter opens a door. With an error there may be a door that must be left.
func (s *stage) enter(ctx context.Context) (err error) {
	s.visits++
	s.door, err = s.c.open(ctx, s)
	return err
}

// leave closes it, as if its process had ended.
func (s *stage) leave() error {
	d := s.door
	s.door = nil
	if d == nil {
		return nil
	}
	return d.close()
}

func (s *stage) close() error {
	err := s.leave()
	if s.desk != nil {
		err = errors.Join(err, s.desk.close())
	}
	return err
}

// restart opens another door over the same state, perhaps for another principal,
// with another policy, another server, or one that lists other tools.
func (s *stage) restart(ctx context.Context, a *act) error {
	if err := s.leave(); err != nil {
		return err
	}
	if name, given := a.flags["principal"]; given {
		s.principal = name
	}
	if name, given := a.flags["upstream"]; given {
		s.upstream, s.upstreams = name, append(s.upstreams, name)
	}
	if file, given := a.flags["tools"]; given {
		s.tools = s.c.others[file]
		if file == "tools.json" {
			s.tools = s.c.tools
		}
	}
	if file, given := a.flags["policy"]; given {
		policy := s.c.others[file]
		if file == "policy.yaml" {
			policy = s.c.policy
		}
		f, err := s.c.policyOf(policy, s.names.work)
		if err != nil {
			return err
		}
		s.file = f
	}
	return s.enter(ctx)
}

// people does what stands in a script, or what its control says. The failure is
// that of the first act that could not be done.
func (s *stage) people(ctx context.Context, b *script, control bool) *Failure {
	sec, acts := b.section, b.acts
	if control && b.control != nil {
		sec, acts = b.control, b.controlActs
	}
	for i := range acts {
		a := &acts[i]
		s.clock.pass(actTime / 2)
		if err := s.act(ctx, a); err != nil {
			return &Failure{Line: a.line, Section: sec.name, Want: "a person can do this: " + a.text, Got: ostiary.AsError(err).Message, Why: err.Error()}
		}
		s.clock.pass(actTime / 2)
	}
	return nil
}
