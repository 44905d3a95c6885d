package egress

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"time"

	"code.dny.dev/ssrf"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/internal/nonblock"
)

// Options are what one use of the network needs; the zero value reaches public
// addresses, follows no redirect, and has the bounds below.
type Options struct {
	// AllowPrivate opens private and loopback addresses: ranges ("10.0.0.0/8"),
	// addresses, and names of hosts that may lead to private networks
	// ("tracker.corp.example"), or in the case of "localhost" to this machine. An
	// address of the machine's own interfaces needs an entry that is it alone.
	AllowPrivate []string
	// Redirects is how many are followed for one request.
	Redirects int
	// Timeout bounds a request with its body, or with Stream until its headers;
	// 30 s by default.
	Timeout time.Duration
	// Connect bounds resolving and connecting; Timeout where it is not set.
	Connect time.Duration
	// Body is the longest body of a response in bytes; 1 MiB by default.
	Body int64
	// Stream says that bodies may last and have no bound here, as event streams
	// and WebSockets need it: the reader bounds what it takes, and ends it with the
	// request's context.
	Stream bool
	// TLS adds what a use needs, such as own roots or a client's certificate;
	// TLS 1.2 is the least in any case.
	TLS *tls.Config
	// Peers judges who answers over TLS; nil leaves that to certificates.
	Peers *Peers

	// Resolve gives all addresses of a name; by default Go's own resolver.
	Resolve func(ctx context.Context, name string) ([]netip.Addr, error)
	// Interfaces gives the machine's own addresses; net.InterfaceAddrs by default.
	Interfaces func() ([]net.Addr, error)
	// Clock is time.Now by default.
	Clock func() time.Time
}

const (
	defaultTimeout = 30 * time.Second
	defaultBody    = 1 << 20
	maxRedirects   = 10
	maxAddresses   = 64
	leastDial      = 2 * time.Second
)

// Dialer opens connections to where one use may go. All methods may be called by
// many goroutines. Make it with [New]; the zero value panics.
type Dialer struct {
	o        Options
	private  private
	guardian *ssrf.Guardian
	own      *own
	connect  func(ctx context.Context, d *net.Dialer, address string) (net.Conn, error) // tests stop it before the network
}

// New returns a dialer for one use. The error is [ostiary.CodeConfigInvalid].
func New(o Options) (*Dialer, error) {
	p, err := parsePrivate(o.AllowPrivate)
	switch {
	case err != nil:
		return nil, err
	case o.Redirects < 0 || o.Redirects > maxRedirects:
		return nil, badOption("the number of redirects is not between 0 and 10")
	case o.Timeout < 0 || o.Connect < 0 || o.Body < 0:
		return nil, badOption("a bound of the network is negative")
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.Connect == 0 {
		o.Connect = o.Timeout
	}
	if o.Body == 0 {
		o.Body = defaultBody
	}
	if o.Resolve == nil {
		// Go's own: the system's may read as an address what we read as a name.
		r := &net.Resolver{PreferGo: true}
		o.Resolve = func(ctx context.Context, name string) ([]netip.Addr, error) { return r.LookupNetIP(ctx, "ip", name) }
	}
	if o.Interfaces == nil {
		o.Interfaces = net.InterfaceAddrs
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.TLS == nil {
		o.TLS = &tls.Config{}
	}
	o.TLS = o.TLS.Clone()
	o.TLS.MinVersion = max(o.TLS.MinVersion, tls.VersionTLS12)
	return &Dialer{
		o: o, private: p, guardian: newGuardian(), own: &own{list: o.Interfaces, clock: o.Clock},
		connect: func(ctx context.Context, d *net.Dialer, address string) (net.Conn, error) {
			c, err := d.DialContext(ctx, "tcp", address)
			return nonblock.Conn(c), err
		},
	}, nil
}

// DialContext connects to "host:port" over TCP, the only network that it knows. It
// asks the resolver once, judges every address, and tries them in the order of the
// answer. Errors are [ostiary.CodeEgressHost], [ostiary.CodeEgressAddress] and
// [ostiary.CodeEgressUnreachable]; the last alone may pass with time.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if network != "tcp" {
		return nil, badHost("is asked for over " + strconv.Quote(network) + " and not over tcp")
	}
	hostText, portText, err := net.SplitHostPort(address)
	if err != nil {
		return nil, badHost("has no port")
	}
	port, err := parsePort(portText)
	if err != nil {
		return nil, err
	}
	h, err := parseHost(hostText)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithTimeout(ctx, d.o.Connect)
	defer stop()
	addrs, err := d.resolve(ctx, h)
	if err != nil {
		return nil, err
	}
	var failed []error
	for i, a := range addrs {
		c, err := d.dial(ctx, h, netip.AddrPortFrom(a, port), len(addrs)-i)
		if err == nil {
			return c, nil
		}
		if errors.Is(err, ostiary.CodeEgressAddress) {
			return nil, err
		}
		failed = append(failed, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, unreachable(h, errors.Join(failed...))
}

// resolve gives the addresses of h, all of them judged: one that is refused
// refuses them all, since an answer that mixes public and private is no accident.
func (d *Dialer) resolve(ctx context.Context, h host) ([]netip.Addr, error) {
	addrs := []netip.Addr{h.addr}
	if !h.addr.IsValid() {
		var err error
		if addrs, err = d.o.Resolve(ctx, h.name); err != nil {
			return nil, unreachable(h, err)
		}
	}
	switch {
	case len(addrs) == 0:
		return nil, unreachable(h, errors.New("the name has no address"))
	case len(addrs) > maxAddresses:
		return nil, badAddress(h, "more than "+strconv.Itoa(maxAddresses)+" addresses")
	}
	unmapped := make([]netip.Addr, len(addrs))
	for i, a := range addrs {
		if err := d.judge(h, a); err != nil {
			return nil, err
		}
		unmapped[i] = a.Unmap()
	}
	return unmapped, nil
}

// dial tries one address, with its part of the time that is left.
func (d *Dialer) dial(ctx context.Context, h host, to netip.AddrPort, left int) (net.Conn, error) {
	if end, ok := ctx.Deadline(); ok {
		part := max(time.Until(end)/time.Duration(left), leastDial)
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, part)
		defer stop()
	}
	nd := &net.Dialer{Control: func(network, address string, _ syscall.RawConn) error { return d.control(h, to, network, address) }}
	return d.connect(ctx, nd, to.String())
}

// control looks at what the kernel will be given. It trusts nothing that was said
// before: not that the address is the one that was judged, nor that it was judged.
func (d *Dialer) control(h host, want netip.AddrPort, network, address string) error {
	got, err := netip.ParseAddrPort(address)
	if err != nil || netip.AddrPortFrom(got.Addr().Unmap(), got.Port()) != want {
		return badAddress(h, "another address than the one that was judged")
	}
	if network != "tcp4" && network != "tcp6" {
		return badAddress(h, "a network that is not TCP")
	}
	return d.judge(h, want.Addr())
}

func parsePort(s string) (uint16, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n == 0 || strconv.FormatUint(n, 10) != s {
		return 0, badURL("has a port that is no plain number from 1 to 65535")
	}
	return uint16(n), nil
}
