package gateway

import (
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ostiary/ostiary"
)

// identifier makes the ids of calls, and the ids of the door's own requests.
type identifier struct {
	now    func() time.Time
	mu     sync.Mutex
	rand   io.Reader
	prefix string
	own    atomic.Int64
}

func newIdentifier(now func() time.Time, rand io.Reader) (*identifier, error) {
	var nonce [8]byte
	if _, err := io.ReadFull(rand, nonce[:]); err != nil {
		return nil, &ostiary.Error{Code: ostiary.CodeInternal, Message: "no randomness for ids", Err: err}
	}
	return &identifier{now: now, rand: rand, prefix: "ostiary-" + hex.EncodeToString(nonce[:]) + "-"}, nil
}

// callIDs makes ids of calls alone, for what no door took.
func callIDs(now func() time.Time, rand io.Reader) *identifier {
	return &identifier{now: now, rand: rand}
}

// alphabet is Crockford's base 32, whose order is that of the numbers.
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"

var crockford = base32.NewEncoding(alphabet).WithPadding(base32.NoPadding)

// call returns an id that sorts by time: 48 bits of milliseconds and 72 random
// bits in base 32.
func (i *identifier) call() (string, error) {
	var b [15]byte
	binary.BigEndian.PutUint64(b[:8], uint64(i.now().UnixMilli())<<16)
	i.mu.Lock()
	_, err := io.ReadFull(i.rand, b[6:])
	i.mu.Unlock()
	if err != nil {
		return "", fmt.Errorf("randomness for a call id: %w", err)
	}
	var id [24]byte
	crockford.Encode(id[:], b[:])
	return string(id[:]), nil
}

// request returns an id for a request of the door's own.
func (i *identifier) request() string {
	return i.prefix + strconv.FormatInt(i.own.Add(1), 10)
}

// isOwn reports whether a canonical id is in the door's namespace.
func (i *identifier) isOwn(key string) bool { return strings.HasPrefix(key, "s:"+i.prefix) }
