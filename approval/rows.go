package approval

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ostiary/ostiary"
)

// The buckets. A list of requests reads the first only.
const (
	bucket         = "approval"          // when and id, by state: the request
	bucketID       = "approval.id"       // id: the key of the request
	bucketDetail   = "approval.detail"   // id: masked arguments and preview
	bucketBytes    = "approval.bytes"    // id: the arguments, and what is beside them, as they will be sent
	bucketRest     = "approval.rest"     // id and number: masked arguments beyond the detail
	bucketIdentity = "approval.identity" // what is asked: id of the last request
	bucketOpen     = "approval.open"     // id, by principal: requests that wait, and the upstream
	bucketKey      = "approval.key"      // the key that seals states
	bucketState    = "approval.state"    // sealed states that came back
)

// kept is how long a request stays to be looked at after its time.
const kept = 30 * 24 * time.Hour

// Bounds of what is kept for the eye only.
const (
	maxArgs    = 256 << 10
	maxPreview = 256 << 10
)

// detail is what a list does not need.
type detail struct {
	Args         []byte `json:",omitempty"`
	ArgsCut      int    `json:",omitempty"` // bytes that were left out
	Beside       []byte `json:",omitempty"`
	BesideCut    int    `json:",omitempty"`
	Preview      *ostiary.Preview
	PreviewError string `json:",omitempty"`
	// Remarks are what the arguments hide and what in them poses as something else.
	Remarks []string `json:",omitempty"`

	rest []byte // the masked arguments behind Args
}

// key is where a request lies: in the order in which they were made, so that a
// list reads neighbours. Ids are random, so that the first letters tell them apart.
func (r *Request) key() string {
	return fmt.Sprintf("%016x-%s", uint64(r.Created.UnixMicro())^1<<63, r.ID)
}

// read returns the request with this id; nil if there is none.
func (l *ledger) read(tx ostiary.Tx, id string) (*Request, error) {
	at, err := tx.Get(bucketID, id)
	if err != nil || at == nil {
		return nil, err
	}
	row, err := tx.Get(bucket, string(at.Value))
	if err != nil || row == nil {
		return nil, err
	}
	r := &Request{flags: l.flags}
	return r, decoded(row, r)
}

// decoded reads a row into an empty request.
func decoded(row *ostiary.Row, r *Request) error {
	err := decode(row.Value, r)
	if err == nil && !strings.HasSuffix(row.Key, r.ID) {
		err = errLayout
	}
	if err != nil {
		return &ostiary.Error{
			Code: ostiary.CodeStoreUnavailable, Err: err,
			Message: "a request for approval cannot be read, so the call is refused: the operator must look at the store",
			Reason:  fmt.Sprintf("row %q of bucket %s", row.Key, bucket),
		}
	}
	return nil
}

// create puts a new request.
func create(tx ostiary.Tx, r *Request) error {
	if err := tx.Put(bucketID, ostiary.Row{Key: r.ID, Expires: r.Expires.Add(kept), Value: []byte(r.key())}); err != nil {
		return err
	}
	return write(tx, r)
}

// write puts a request and keeps the other buckets in step: what waits is
// counted, and the bytes go when nothing can run under them any more.
func write(tx ostiary.Tx, r *Request) error {
	err := tx.Put(bucket, ostiary.Row{Key: r.key(), Group: string(r.State), Expires: r.Expires.Add(kept), Value: encode(r)})
	if err != nil {
		return err
	}
	if r.State == Pending {
		return tx.Put(bucketOpen, ostiary.Row{Key: r.ID, Group: owner(r.Principal), Expires: r.Expires, Value: []byte(owner(r.Upstream))})
	}
	if err := tx.Delete(bucketOpen, r.ID); err != nil || r.State == Approved {
		return err
	}
	if err := tx.Delete(bucketBytes, r.ID); err != nil {
		return err
	}
	return dropRest(tx, r.ID)
}

// waiting counts the requests of a principal that wait, and those of them about
// calls to one upstream.
func waiting(tx ostiary.Tx, principal, upstream string, now time.Time) (all, here int, err error) {
	upstream = owner(upstream)
	for row, err := range tx.List(bucketOpen, ostiary.Query{Group: owner(principal)}) {
		if err != nil {
			return 0, 0, err
		}
		if !now.Before(row.Expires) {
			continue
		}
		all++
		if string(row.Value) == upstream {
			here++
		}
	}
	return all, here, nil
}

// owner is a name of any length, such as that of a group, which has a limited one.
func owner(principal string) string {
	d := digestOf("principal", principal)
	return hex.EncodeToString(d[:])
}

func (d *detail) put(tx ostiary.Tx, r *Request) error {
	b, err := json.Marshal(d)
	if err != nil {
		return err
	}
	if err := putRest(tx, r, d.rest); err != nil {
		return err
	}
	return tx.Put(bucketDetail, ostiary.Row{Key: r.ID, Expires: r.Expires.Add(kept), Value: b})
}

// details returns the detail of a request; what was forgotten is empty.
func details(tx ostiary.Tx, id string) (*detail, error) {
	d := &detail{}
	row, err := tx.Get(bucketDetail, id)
	if err != nil || row == nil {
		return d, err
	}
	if err := json.Unmarshal(row.Value, d); err != nil {
		return nil, &ostiary.Error{
			Code: ostiary.CodeStoreUnavailable, Err: err,
			Message: "a request for approval cannot be read, so the call is refused: the operator must look at the store",
			Reason:  fmt.Sprintf("row %q of bucket %s", id, bucketDetail),
		}
	}
	return d, nil
}

// cut shortens a text to at most so many bytes, a mark included.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	end := most - len("…(+12345678901 bytes)")
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return fmt.Sprintf("%s…(+%d bytes)", s[:end], len(s)-end)
}
