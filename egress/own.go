package egress

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// ownFresh is how long the list of the machine's own addresses is good: reading
// it for each connection would cost more than the check.
const ownFresh = 5 * time.Second

// own knows the machine's own addresses. All calls may be concurrent.
type own struct {
	list  func() ([]net.Addr, error)
	clock func() time.Time

	mu    sync.Mutex
	read  time.Time
	known []netip.Addr
}

func (o *own) addresses() ([]netip.Addr, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.clock()
	if age := now.Sub(o.read); !o.read.IsZero() && age >= 0 && age < ownFresh {
		return o.known, nil
	}
	list, err := o.list()
	if err != nil {
		return nil, err
	}
	known := make([]netip.Addr, 0, len(list))
	for _, l := range list {
		if n, ok := l.(*net.IPNet); ok {
			if a, ok := netip.AddrFromSlice(n.IP); ok {
				known = append(known, a.Unmap())
			}
		}
	}
	o.known, o.read = known, now
	return known, nil
}
