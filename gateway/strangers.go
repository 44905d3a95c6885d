package gateway

import (
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/internal/network"
)

// StrangerOptions are what Strangers are made of; all without a stated default
// are required.
type StrangerOptions struct {
	Line *ostiary.Line
	// Address says where a request comes from, as HTTPOptions.Address does.
	Address func(*http.Request) string
	Now     func() time.Time
	Rand    io.Reader
	Log     *slog.Logger
	// Room reports whether the log has room for what is refused of strangers, beyond
	// what is kept for callers who are known; nil is always. While it has none they
	// are counted in memory and told to Log.
	Room func() bool
}

// Strangers records what is refused of callers whom nobody knows, for all
// endpoints of a server together: sixty a minute one by one and the rest as
// counts, one for each code, with the addresses that most came from; at most
// 5000 records in 24 hours, then counts by the hour. A flood of them can
// neither fill the log nor hide what others do. It is used by many goroutines at
// once.
type Strangers struct {
	o   StrangerOptions
	ids *identifier
	q   quota

	told time.Time // when Log was told that there is no room
}

// strangerRecords is how many records of strangers a day may have, some 6 MiB.
const strangerRecords = 5000

// NewStrangers makes one.
func NewStrangers(o StrangerOptions) *Strangers {
	s := &Strangers{o: o, ids: callIDs(o.Now, o.Rand)}
	s.q = quota{now: o.Now, write: s.counted, room: s.room, daily: strangerRecords}
	return s
}

// Refused records a request that was refused before anybody asked who sends it, or
// counts it. It may be given to Hosts.Refused and Front.Refused.
func (s *Strangers) Refused(r *http.Request, err error) {
	what := turned{}
	if s.o.Address != nil {
		what.address = s.o.Address(r)
	}
	s.refuse(what, ostiary.Refused(stageOf(err), err))
}

func (s *Strangers) refuse(what turned, d ostiary.Decision) ostiary.Decision {
	if !s.q.admit(d.Code, network.Of(what.address), oddBurst) {
		return d
	}
	return s.o.Line.Refuse(what.call(s.ids), d)
}

func (s *Strangers) counted(t tally) {
	s.o.Line.Refuse(turned{}.call(s.ids), t.decision("from"))
}

// room says in the operator's log that there is none, at most once a minute. It is
// called by one goroutine at a time.
func (s *Strangers) room() bool {
	if s.o.Room == nil || s.o.Room() {
		return true
	}
	if now := s.o.Now(); now.Sub(s.told) >= quotaInterval {
		s.told = now
		s.o.Log.Error("the log has no room left but for callers who are known: what is refused of others is only counted, until there is room again")
	}
	return false
}

// Flush records what was only counted. Use it when the server has ended.
func (s *Strangers) Flush() { s.q.flush() }
