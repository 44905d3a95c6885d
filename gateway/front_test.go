package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/auth"
	"github.com/ostiary/ostiary/limit"
)

// guarded is an endpoint behind a front that lets so many requests of an address
// through, and believes these proxies.
type guarded struct {
	*web
	asked atomic.Int64 // how often somebody looked who sends a request
	url   string
	from  func(*http.Request) string
}

func openGuarded(t *testing.T, each int, p auth.Proxies, room func() bool) *guarded {
	t.Helper()
	g := &guarded{from: func(r *http.Request) string { return p.ClientAddr(r).String() }}
	var strangers *Strangers
	g.web = openWeb(t, rows(), func(o *HTTPOptions, _ *site) {
		who := o.Authenticate
		o.Authenticate = func(r *http.Request) (ostiary.Principal, string, error) {
			g.asked.Add(1)
			return who(r)
		}
		o.Address = g.from
		strangers = NewStrangers(StrangerOptions{Line: o.Door.Line, Address: g.from, Now: o.Door.Now, Rand: o.Door.Rand, Log: o.Log, Room: room})
		o.Strangers = strangers
	})
	peers, err := limit.NewPeers(ostiary.RateLimit{Count: each, Period: time.Hour}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(Front{Address: g.from, Take: peers.Take, Refused: strangers.Refused}.Guard(g.endpoint))
	was := g.shut
	g.shut = func() {
		s.CloseClientConnections()
		s.Close()
		strangers.Flush()
		was()
	}
	t.Cleanup(g.shut)
	g.url, g.web.url = s.URL, s.URL
	return g
}

// TestFrontIsBeforeAuth: who sends too much is told so before anybody looks at
// what is sent.
func TestFrontIsBeforeAuth(t *testing.T) {
	g := openGuarded(t, 3, auth.Proxies{}, nil)
	for range 3 {
		g.post("", "Who", "nobody").want(t, 401) // the control: these were looked at
	}
	if n := g.asked.Load(); n != 3 {
		t.Fatalf("%d requests were looked at", n)
	}
	r := g.post(call("7", "read"), "Authorization", "Bearer x").want(t, 429, "limit_rate", "retry in 20m0s")
	if after, err := strconv.Atoi(r.header.Get("Retry-After")); err != nil || after < 1190 || after > 1200 {
		t.Errorf("Retry-After: %s", r.header.Get("Retry-After"))
	}
	var said struct {
		Error struct{ Data struct{ Code string } }
	}
	if err := json.Unmarshal([]byte(r.body), &said); err != nil || said.Error.Data.Code != "limit_rate" {
		t.Errorf("%s, %v", r.body, err)
	}
	if n := g.asked.Load(); n != 3 {
		t.Errorf("%d requests were looked at, one of them too many", n)
	}
	if n := g.behind.count(); n != 0 {
		t.Errorf("the server was reached %d times", n)
	}
	for _, rec := range g.recorded(is{code: "limit_rate"}) {
		if rec.Code == "limit_rate" && (rec.Address != "127.0.0.1" || rec.Stage != "limit") {
			t.Errorf("recorded from %q by %q", rec.Address, rec.Stage)
		}
	}
}

// TestForgedAddress: a header of somebody whom nobody trusts changes neither the
// limit nor the record; that of a trusted proxy does.
func TestForgedAddress(t *testing.T) {
	loop := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	for _, c := range []struct {
		name    string
		proxies auth.Proxies
		header  string
		value   func(i int) string
		counted bool // all requests count as one address's
		from    string
	}{
		{"forged", auth.Proxies{}, "X-Forwarded-For", func(i int) string { return fmt.Sprintf("203.0.113.%d", i) }, true, "127.0.0.1"},
		{"from a proxy", auth.Proxies{Trusted: loop}, "X-Forwarded-For", func(i int) string { return fmt.Sprintf("203.0.113.%d", i) }, false, "203.0.113.5"},
		{"forged on the left", auth.Proxies{Trusted: loop}, "X-Forwarded-For", func(i int) string { return fmt.Sprintf("203.0.113.%d, 198.51.100.9", i) }, true, "198.51.100.9"},
		{"the header that is not read", auth.Proxies{Trusted: loop}, "Forwarded", func(i int) string { return fmt.Sprintf("for=203.0.113.%d", i) }, true, "127.0.0.1"},
		{"Forwarded from a proxy", auth.Proxies{Trusted: loop, Forwarded: true}, "Forwarded", func(i int) string { return fmt.Sprintf("for=203.0.113.%d", i) }, false, "203.0.113.5"},
		{"X-Forwarded-For that is not read", auth.Proxies{Trusted: loop, Forwarded: true}, "X-Forwarded-For", func(i int) string { return fmt.Sprintf("203.0.113.%d", i) }, true, "127.0.0.1"},
		{"Real-IP", auth.Proxies{Trusted: loop}, "X-Real-Ip", func(i int) string { return fmt.Sprintf("203.0.113.%d", i) }, true, "127.0.0.1"},
		{"one /64", auth.Proxies{Trusted: loop}, "X-Forwarded-For", func(i int) string { return fmt.Sprintf("2001:db8::%d", i) }, true, "2001:db8::5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := openGuarded(t, 3, c.proxies, nil)
			for i := range 6 {
				want := 401
				if c.counted && i >= 3 {
					want = 429
				}
				g.post("", "Who", "nobody", c.header, c.value(i)).want(t, want)
			}
			g.recorded(is{code: "auth_missing"})
			g.shut()
			var last audit.Record
			for _, r := range g.logged() {
				if r.Code != "" {
					last = r
				}
			}
			if last.Address != c.from {
				t.Errorf("recorded from %q, want %q", last.Address, c.from)
			}
		})
	}
}

// TestCallsHaveTheirAddress: records of calls name where they came from, each its
// own though they share a door.
func TestCallsHaveTheirAddress(t *testing.T) {
	g := openGuarded(t, 100, auth.Proxies{Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}, nil)
	for _, from := range []string{"203.0.113.1", "2001:db8::7"} {
		g.post(modernRead("7", "read", "{}"), modernFields("read", "X-Forwarded-For", from)...).want(t, 200, "done")
	}
	g.shut()
	var got []string
	for _, r := range g.logged() {
		if r.Target == "read" && r.Kind == audit.KindOutcome {
			got = append(got, r.Address)
		}
	}
	if strings.Join(got, " ") != "203.0.113.1 2001:db8::7" {
		t.Errorf("calls from %q", got)
	}
}

// TestStrangersLeaveRoom: without room but for those who are known, a flood of
// strangers writes nothing, and calls go on; with room it is recorded (the
// control), bounded.
func TestStrangersLeaveRoom(t *testing.T) {
	for _, roomy := range []bool{true, false} {
		t.Run(fmt.Sprintf("room=%t", roomy), func(t *testing.T) {
			g := openGuarded(t, 1_000_000, auth.Proxies{}, func() bool { return roomy })
			const flood = 10 * oddBurst
			for range flood {
				g.post("", "Who", "nobody").want(t, 401)
			}
			g.post(modernRead("7", "read", "{}"), modernFields("read")...).want(t, 200, "done")
			g.shut()
			written, stand := 0, 0
			for _, r := range g.logged() {
				if r.Code != "auth_missing" {
					continue
				}
				written++
				n := 1
				if more, _, ok := strings.Cut(r.Reason, " more refusals"); ok {
					fmt.Sscan(more, &n)
					has(t, r.Reason, "127.0.0.1 (")
				}
				stand += n
			}
			if roomy && (stand != flood || written > oddBurst+2) {
				t.Errorf("%d records stand for %d of %d refusals", written, stand, flood)
			}
			if !roomy && written != 0 {
				t.Errorf("%d records without room", written)
			}
			if n := (is{target: "read", status: "ok"}).in(g.logged()); n != 1 {
				t.Errorf("%d records of the call", n)
			}
			if said := strings.Contains(g.err.String(), "no room left"); said == roomy {
				t.Errorf("the operator was told: %v", said)
			}
		})
	}
}
