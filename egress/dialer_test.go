package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

var errStopped = errors.New("stopped before the network")

// stopped lets the dialer do everything but connect, and notes where to.
func stopped(d *Dialer) *[]string {
	var dialled []string
	d.connect = func(_ context.Context, nd *net.Dialer, address string) (net.Conn, error) {
		network := "tcp4"
		if a := netip.MustParseAddrPort(address); a.Addr().Is6() {
			network = "tcp6"
		}
		if err := nd.Control(network, address, nil); err != nil {
			return nil, err
		}
		dialled = append(dialled, address)
		return nil, errStopped
	}
	return &dialled
}

// answers resolves every name to the next of the answers, and stays at the last.
func answers(list ...[]netip.Addr) func(context.Context, string) ([]netip.Addr, error) {
	return func(_ context.Context, name string) ([]netip.Addr, error) {
		if len(list) == 0 {
			return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
		}
		a := list[0]
		if len(list) > 1 {
			list = list[1:]
		}
		return a, nil
	}
}

// listener is what must not be reached, and says if it was.
func listener(t *testing.T) (port string, reached func() bool) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	hits := make(chan struct{}, 16)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			hits <- struct{}{}
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	if _, port, err = net.SplitHostPort(l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	return port, func() bool {
		// Connections are accepted in order: after ours all before it are counted.
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, _ = c.Read(make([]byte, 1))
		<-hits
		return len(hits) > 0
	}
}

// DNS gives the check a public address and the connection a private one.
func TestRebinding(t *testing.T) {
	port, reached := listener(t)
	rebind := func() func(context.Context, string) ([]netip.Addr, error) {
		return answers(addrs("93.184.216.34"), addrs("127.0.0.1"))
	}
	// Control: who looks at the name and then dials it arrives.
	resolve, judge := rebind(), dialer(t, Options{})
	if a, err := resolve(t.Context(), "evil.example"); err != nil || judge.judge(host{name: "evil.example"}, a[0]) != nil {
		t.Fatalf("the first answer is refused: %v, %v", a, err)
	}
	a, err := resolve(t.Context(), "evil.example")
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", net.JoinHostPort(a[0].String(), port))
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if !reached() {
		t.Fatal("the control does not reach the listener")
	}

	d := dialer(t, Options{Resolve: rebind()})
	dialled := stopped(d)
	if _, err := d.DialContext(t.Context(), "tcp", "evil.example:"+port); !errors.Is(err, errStopped) || !slices.Equal(*dialled, []string{"93.184.216.34:" + port}) {
		t.Errorf("it dialled %v and not the address that it judged, %v", *dialled, err)
	}
	if _, err := d.DialContext(t.Context(), "tcp", "evil.example:"+port); !errors.Is(err, ostiary.CodeEgressAddress) || len(*dialled) != 1 {
		t.Errorf("the second answer: dialled %v, %v", *dialled, err)
	}
}

// One bad address refuses the answer, wherever it stands.
func TestMixedAnswers(t *testing.T) {
	for _, c := range []struct {
		answer  []netip.Addr
		dialled int
	}{
		{addrs("93.184.216.34", "2606:2800:220:1::1"), 2},
		{addrs("::ffff:93.184.216.34"), 1},
		{addrs("93.184.216.34", "127.0.0.1"), 0},
		{addrs("::1", "93.184.216.34"), 0},
		{addrs("93.184.216.34", "::ffff:127.0.0.1"), 0},
		{addrs("64:ff9b::7f00:1"), 0},
		{addrs("2002:7f00:1::"), 0},
		{addrs("203.0.112.7"), 0},
		{slices.Repeat(addrs("93.184.216.34"), maxAddresses+1), 0},
	} {
		d := dialer(t, Options{Resolve: answers(c.answer)})
		dialled := stopped(d)
		_, err := d.DialContext(t.Context(), "tcp", "evil.example:443")
		if len(*dialled) != c.dialled || c.dialled == 0 && !errors.Is(err, ostiary.CodeEgressAddress) || c.dialled > 0 && !errors.Is(err, ostiary.CodeEgressUnreachable) {
			t.Errorf("%v: dialled %v, %v", c.answer, *dialled, err)
		}
		if strings.Contains(strings.Join(*dialled, " "), "ffff") {
			t.Errorf("dialled %v", *dialled)
		}
	}
}

// The last look trusts nothing that was said before it.
func TestControl(t *testing.T) {
	port, reached := listener(t)
	d := dialer(t, Options{Resolve: answers(addrs("93.184.216.34"))})
	d.connect = func(ctx context.Context, nd *net.Dialer, _ string) (net.Conn, error) {
		return nd.DialContext(ctx, "tcp", "127.0.0.1:"+port) // what a library could do between us and the kernel
	}
	if _, err := d.DialContext(t.Context(), "tcp", "a.example:"+port); !errors.Is(err, ostiary.CodeEgressAddress) || reached() {
		t.Errorf("another address than the one that was judged: %v", err)
	}
	want := netip.MustParseAddrPort("127.0.0.1:" + port) // agreed on, and never judged
	for _, c := range [][2]string{{"tcp4", want.String()}, {"tcp4", "93.184.216.34:443"}, {"tcp4", "nonsense"}, {"unix", want.String()}} {
		if d.control(host{name: "a.example"}, want, c[0], c[1]) == nil {
			t.Errorf("%v passes", c)
		}
	}
	want = netip.MustParseAddrPort("93.184.216.34:443")
	for network, ok := range map[string]bool{"tcp4": true, "tcp6": true, "udp4": false, "unix": false, "": false} {
		if err := d.control(host{name: "a.example"}, want, network, want.String()); (err == nil) != ok {
			t.Errorf("%q: %v", network, err)
		}
	}
	// And with the address listed the same connection is made.
	d = dialer(t, Options{AllowPrivate: []string{"127.0.0.1"}, Resolve: answers(addrs("127.0.0.1"))})
	c, err := d.DialContext(t.Context(), "tcp", "a.example:"+port)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if !reached() {
		t.Error("a listed address was not reached")
	}
}

func TestDialNames(t *testing.T) {
	asked := 0
	d := dialer(t, Options{Resolve: func(context.Context, string) ([]netip.Addr, error) {
		asked++
		return addrs("127.0.0.1"), nil
	}})
	dialled := stopped(d)
	for _, c := range []struct{ network, address string }{
		{"tcp", "0x7f000001:80"}, {"tcp", "2130706433:80"}, {"tcp", "127.1:80"}, {"tcp", "good.example\x00.evil.example:80"}, {"tcp", "a.example.:80"}, {"tcp", "[fe80::1%lo]:80"},
		{"tcp", "a.example"}, {"tcp", ":80"}, {"tcp", "a.example:http"}, {"tcp", "a.example:0"}, {"tcp", "a.example:00080"}, {"udp", "a.example:80"}, {"unix", "/run/docker.sock"}, {"tcp4", "a.example:80"},
	} {
		if _, err := d.DialContext(t.Context(), c.network, c.address); !errors.Is(err, ostiary.CodeEgressHost) {
			t.Errorf("%v: %v", c, err)
		}
	}
	for _, address := range []string{"127.0.0.1:80", "[::1]:80", "169.254.169.254:80", "[fd00:ec2::254]:80"} {
		if _, err := d.DialContext(t.Context(), "tcp", address); !errors.Is(err, ostiary.CodeEgressAddress) {
			t.Errorf("%s: %v", address, err)
		}
	}
	if asked > 0 || len(*dialled) > 0 {
		t.Errorf("the resolver was asked %d times, dialled %v", asked, *dialled)
	}
	if _, err := d.DialContext(t.Context(), "tcp", "93.184.216.34:80"); !errors.Is(err, errStopped) || asked > 0 {
		t.Errorf("an address was resolved: %v", err)
	}
}

func TestDialFailures(t *testing.T) {
	d := dialer(t, Options{})
	if _, err := d.DialContext(t.Context(), "tcp", "nothing.example:443"); !errors.Is(err, ostiary.CodeEgressUnreachable) {
		t.Errorf("a name without address: %v", err)
	}
	d = dialer(t, Options{Resolve: answers(nil)})
	if _, err := d.DialContext(t.Context(), "tcp", "nothing.example:443"); !errors.Is(err, ostiary.CodeEgressUnreachable) {
		t.Errorf("an empty answer: %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	d = dialer(t, Options{Resolve: func(ctx context.Context, _ string) ([]netip.Addr, error) {
		stop()
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	if _, err := d.DialContext(ctx, "tcp", "slow.example:443"); !errors.Is(err, context.Canceled) {
		t.Errorf("a withdrawn dial: %v", err)
	}
	d = dialer(t, Options{Timeout: time.Millisecond, Resolve: func(ctx context.Context, _ string) ([]netip.Addr, error) {
		<-ctx.Done()
		return nil, fmt.Errorf("dns: %w", ctx.Err())
	}})
	if _, err := d.DialContext(t.Context(), "tcp", "slow.example:443"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a resolver that never answers: %v", err)
	}
	for _, o := range []Options{{Redirects: -1}, {Redirects: 11}, {Timeout: -1}, {Body: -1}} {
		if _, err := New(o); !errors.Is(err, ostiary.CodeConfigInvalid) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// The first address that answers is taken.
func TestNextAddress(t *testing.T) {
	port, reached := listener(t)
	d := dialer(t, Options{AllowPrivate: []string{"127.0.0.0/8"}, Resolve: answers(addrs("127.0.0.2", "127.0.0.1"))})
	c, err := d.DialContext(t.Context(), "tcp", "a.example:"+port) // nothing listens at the first
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if !reached() {
		t.Error("not reached")
	}
}
