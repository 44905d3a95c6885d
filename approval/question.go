package approval

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"

	"github.com/ostiary/ostiary"
)

type digest = [sha256.Size]byte

// digestOf hashes texts so that no two lists of texts look alike.
func digestOf(parts ...string) (d digest) {
	h := sha256.New()
	var n [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		h.Write(n[:])
		h.Write([]byte(p))
	}
	h.Sum(d[:0])
	return d
}

// question is what one call asks.
type question struct {
	c    *ostiary.Call
	asks []ostiary.Decision
	// identity is the same for the same call, made again: principal, upstream,
	// method, target and the values of the arguments and of what stands beside
	// them, however they are written. The session is no part of it, so that an
	// approval survives the restart of a client.
	identity digest
	// sent are the bytes that will run. A request stands for a call that is written
	// otherwise too; an approval lets exactly these bytes pass.
	sent       []byte
	definition string
	arguments  string
	channels   []string // where this question may be answered
	before     string   // what became of an earlier request, for the agent
}

func (g *Gate) question(c *ostiary.Call, asks []ostiary.Decision) *question {
	q := &question{
		c: c, asks: asks, channels: channels(c), sent: sent(c),
		definition: hexOf(c.Definition), arguments: hexOf(c.Digest),
	}
	values := string(c.Digest[:])
	if q.arguments == "" { // nobody says which values are equal
		values = string(q.sent)
	}
	q.identity = digestOf(c.Principal.ID, c.Upstream, c.Method, c.Target, values)
	return q
}

// sent are the arguments as they will be sent, and what stands beside them on
// lines of their own.
func sent(c *ostiary.Call) []byte {
	if c.Beside == nil {
		return c.Arguments
	}
	return slices.Concat(c.Arguments, []byte("\n"), c.Beside)
}

func hexOf(d ostiary.Digest) string {
	if d == (ostiary.Digest{}) {
		return ""
	}
	return hex.EncodeToString(d[:])
}

// channels are those at which a rule lets a call be answered. The client's own
// dialog counts for writes, and else only where the rule names it.
func channels(c *ostiary.Call) []string {
	if named := c.Rule.Approve.Channels; len(named) > 0 {
		return slices.Clone(named)
	}
	all := []string{ChannelCLI, ChannelConsole, ChannelWebhook}
	if c.Effect == ostiary.EffectWrite {
		all = append(all, ChannelClient)
	}
	return all
}

// dialog is the client's dialog if it may answer this question; else nil.
func (q *question) dialog() *ostiary.Dialog {
	if q.c.Caller == nil || !slices.Contains(q.channels, ChannelClient) {
		return nil
	}
	return q.c.Caller.Dialog()
}

// usable reports whether anybody can answer. A webhook only tells.
func (g *Gate) usable(q *question) bool {
	return q.dialog() != nil || slices.ContainsFunc(q.channels, func(ch string) bool {
		return ch != ChannelClient && ch != ChannelWebhook && slices.Contains(g.o.Channels, ch)
	})
}

// changed says what of a call is not as it was when the request was made; "" if
// nothing is.
func (q *question) changed(r *Request, policy string) string {
	switch {
	case r.Policy != policy:
		return "the policy"
	case r.Definition != q.definition:
		return "the definition of the tool"
	case r.Effect != q.c.Effect.String():
		return "the effect of the tool"
	}
	return ""
}
