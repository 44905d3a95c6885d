package gateway

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// Front is the first thing that an HTTP request meets: a limit for where it comes
// from, before anything of it is read and long before anybody is asked who sends
// it. So neither guessing nor a flood makes the door work, or ask an issuer.
type Front struct {
	// Address says where a request comes from, as far as that was verified: never by
	// a header that anybody can write. See HTTPOptions.Address.
	Address func(*http.Request) string
	// Take counts a request, or refuses it with an *ostiary.Error.
	Take func(address string) error
	// Refused, if set, is told of each request that came no further.
	Refused func(*http.Request, error)
}

// Guard lets through to next what is within the limit. The rest gets 429 with
// Retry-After (RFC 6585, section 4; RFC 9110, 10.2.3) and a JSON-RPC error.
func (f Front) Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := f.Take(f.Address(r))
		if err == nil {
			next.ServeHTTP(w, r)
			return
		}
		if f.Refused != nil {
			f.Refused(r, err)
		}
		d := ostiary.Refused(stageOf(err), err)
		w.Header().Set("Retry-After", strconv.Itoa(seconds(d.RetryAfter)))
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = w.Write(wire.Refusal(&wire.Message{Kind: wire.KindRequest}, "", d)) // nobody is left to tell
	})
}

// seconds is a time to wait as the header has it, never one that is too short.
func seconds(d time.Duration) int { return max(1, int(math.Ceil(d.Seconds()))) }
