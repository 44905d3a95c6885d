package approval

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/ostiary/ostiary"
)

// Options of New.
type Options struct {
	// Store and Journal are required.
	Store   ostiary.Store
	Journal ostiary.Journal
	// Mask returns a call's arguments without secrets, for the eye; nil if it
	// cannot, which the card then says. Required.
	Mask func(c *ostiary.Call) []byte
	// MaskText takes secrets out of a text about a call: a preview, what its dry run
	// said. Without it no such text is shown or kept.
	MaskText func(c *ostiary.Call, text string) string
	// Signals says what a person should be warned of who decides about a call: what its
	// session has read, text in its arguments that reads like an instruction. It is
	// asked when a request is made; nil says nothing.
	Signals func(ctx context.Context, c *ostiary.Call) []string
	// Policy is the digest of the policy by which calls are judged here.
	Policy string
	// Wait is how long a call waits whose client asked for no progress; 45 s.
	Wait time.Duration
	// Expire is how long a request counts, from its creation to its use; 10 min.
	Expire time.Duration
	// Pending is how many requests of one principal may wait; 10.
	Pending int
	// Channels are where answers can come from here, beside the client's own
	// dialog; cli.
	Channels []string
	// Notifiers are told of new requests.
	Notifiers []Notifier
	// Flags are what the commands that answer requests need to find the store, after
	// a space, such as " --state DIR"; "" where it is the usual one.
	Flags string
	// Clock is time.Now by default, Rand crypto/rand.Reader.
	Clock func() time.Time
	Rand  io.Reader
	// Logger gets what an operator may want to know; nil is silence.
	Logger *slog.Logger
}

// Gate settles what the gates asked by asking a person. It is used by many
// goroutines at once.
type Gate struct {
	*ledger
	o     Options
	watch *watch
	tell  *teller

	mu     sync.Mutex
	making map[digest]chan struct{} // questions that are being put
	asking map[string]bool          // requests with an open dialog of a client
}

var _ ostiary.Settler = (*Gate)(nil)

// New makes a Gate. The error is config_invalid if something required is
// missing. Whoever made it calls Close.
func New(o Options) (*Gate, error) {
	l, err := newLedger(o.Store, o.Journal, o.Clock, o.Flags)
	if err != nil {
		return nil, err
	}
	if o.Mask == nil {
		return nil, &ostiary.Error{Code: ostiary.CodeConfigInvalid, Message: "approvals need a function that masks arguments: nobody shall decide about what is not shown"}
	}
	if o.Wait <= 0 {
		o.Wait = 45 * time.Second
	}
	if o.Expire <= 0 {
		o.Expire = 10 * time.Minute
	}
	if o.Pending <= 0 {
		o.Pending = 10
	}
	if len(o.Channels) == 0 {
		o.Channels = []string{ChannelCLI}
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Gate{
		ledger: l, o: o, watch: newWatch(o.Store), tell: newTeller(o.Notifiers, o.Journal, o.Logger),
		making: map[digest]chan struct{}{}, asking: map[string]bool{},
	}, nil
}

// Close ends the waiting of calls, with gateway_shutdown, and what is being told.
// The requests stay.
func (g *Gate) Close() {
	g.watch.close()
	g.tell.close()
}

// Name implements [ostiary.Settler].
func (g *Gate) Name() string { return "approval" }

// Settle implements [ostiary.Settler]: it finds or makes the request for exactly
// this call, waits for a person as long as the client does, and lets the call
// pass under an approval that Commit uses up. The error is approval_pending while
// nobody has answered; then the same call, repeated, runs once it is approved.
func (g *Gate) Settle(ctx context.Context, c *ostiary.Call, asks []ostiary.Decision) (ostiary.Decision, error) {
	if c.Rule == nil || len(asks) == 0 || c.Principal.IsNobody() {
		return ostiary.Decision{}, refuse(ostiary.CodeApprovalRequired, "a question without a rule, a principal or a text",
			"nobody can be asked about this call: ask the operator for a rule that covers it")
	}
	if c.Rule.Grant.Only {
		return ostiary.Decision{}, grantRequired(c, asks, g.flags)
	}
	q := g.question(c, asks)
	if c.Caller != nil {
		if d := c.Caller.Dialog(); d != nil && d.State != "" {
			return g.reply(ctx, q, d)
		}
	}
	if !g.usable(q) {
		return ostiary.Decision{}, nobody(q)
	}
	r, err := g.current(ctx, q)
	if err != nil {
		return ostiary.Decision{}, err
	}
	if d := q.dialog(); d != nil && d.Put != nil && r.At(g.now()) == Pending {
		return g.put(ctx, q, r, d)
	}
	return g.wait(ctx, q, r)
}

// settled is the decision about a request that does not wait any more.
func (g *Gate) settled(ctx context.Context, q *question, r *Request) (ostiary.Decision, error) {
	switch s := r.At(g.now()); s {
	case Approved:
		return g.allow(ctx, q, r)
	case Expired:
		g.expire(ctx, r)
		return ostiary.Decision{}, expired(r)
	default:
		return ostiary.Decision{}, closed(r, s)
	}
}

// expire writes that a request's time is over; whoever finds it so does, and an
// error changes nothing, since the clock decides.
func (g *Gate) expire(ctx context.Context, r *Request) {
	if r.State == Expired {
		return
	}
	_, err := g.move(ctx, r.ID, move{to: Expired, from: []State{Expired}, by: Who{Channel: channelGateway}})
	if err != nil {
		g.o.Logger.Warn("approval: cannot write that a request has expired", "request", r.ID, "err", err)
	}
}
