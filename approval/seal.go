package approval

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/hex"
	"io"

	"github.com/ostiary/ostiary"
)

// sealLabel is authenticated with every state, so that a seal made for another
// purpose or in another layout does not open here.
const sealLabel = "ostiary approval state 1"

const (
	keyRow   = "seal"
	maxState = 4096 // no state of ours is longer
)

// seal makes the state that comes back with the client's answer: AES-256-GCM
// over the request, this very call and its session, when it ends, and a number
// that counts once.
func (g *Gate) seal(ctx context.Context, q *question, r *Request) (string, error) {
	aead, err := g.key(ctx)
	if err != nil {
		return "", err
	}
	random := make([]byte, aead.NonceSize()+16)
	if _, err := io.ReadFull(g.o.Rand, random); err != nil {
		return "", &ostiary.Error{Code: ostiary.CodeInternal, Err: err, Message: "the door could not ask a person and refused this call; the operator finds the reason in the audit log"}
	}
	nonce, once := random[:aead.NonceSize()], random[aead.NonceSize():]
	bound := q.bound(r.ID)
	plain := append(appendText(nil, r.ID, maxName), once...)
	plain = append(plain, bound[:]...)
	plain = appendTime(plain, r.Expires)
	return base64.RawURLEncoding.EncodeToString(aead.Seal(nonce, nonce, plain, []byte(sealLabel))), nil
}

// bound is what a state is good for: this request, this call, this session.
func (q *question) bound(id string) digest {
	return digestOf(id, string(q.identity[:]), q.c.Principal.ID, q.c.Session, q.c.Upstream, q.c.Method, q.c.Target,
		string(q.sent))
}

// open opens a state that came back, uses it up, and returns the request's id.
func (g *Gate) open(ctx context.Context, q *question, state string) (id string, err error) {
	bad := func(why string) (string, error) {
		return "", refuse(ostiary.CodeApprovalState, why,
			"the requestState of this call is not one that the door made for it, or it was used: make the call anew without a requestState, and a person is asked")
	}
	if len(state) > maxState {
		return bad("it is too long")
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(state)
	if err != nil {
		return bad("it is not ours: no base64url")
	}
	aead, err := g.key(ctx)
	if err != nil {
		return "", err
	}
	if len(sealed) < aead.NonceSize() {
		return bad("it is truncated")
	}
	plain, err := aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], []byte(sealLabel))
	if err != nil {
		return bad("it is forged or truncated")
	}
	d := decoder{rest: string(plain)}
	id = d.text()
	once, bound, expires := d.take(16), d.take(len(digest{})), d.time()
	want := q.bound(id)
	switch {
	case d.bad || len(d.rest) > 0:
		return bad("it has another layout")
	case bound != string(want[:]):
		return bad("it was made for another principal, session, tool or other arguments")
	case !g.now().Before(expires):
		return bad("its time is over")
	}
	key := hex.EncodeToString([]byte(once))
	err = g.store.Update(ctx, func(tx ostiary.Tx) error {
		row, err := tx.Get(bucketState, key)
		if err != nil {
			return err
		}
		if row != nil {
			_, err := bad("it came before")
			return err
		}
		return tx.Put(bucketState, ostiary.Row{Key: key, Expires: expires})
	})
	return id, err
}

// key returns the key that seals, and makes it on first use. It is read each
// time, so that a store that is exchanged has its own.
func (g *Gate) key(ctx context.Context) (cipher.AEAD, error) {
	var key []byte
	get := func(tx ostiary.Tx) error {
		row, err := tx.Get(bucketKey, keyRow)
		if err == nil && row != nil {
			key = row.Value
		}
		return err
	}
	if err := g.store.View(ctx, get); err != nil {
		return nil, err
	}
	if key == nil {
		fresh := make([]byte, 32)
		if _, err := io.ReadFull(g.o.Rand, fresh); err != nil {
			return nil, &ostiary.Error{Code: ostiary.CodeInternal, Err: err, Message: "the door could not ask a person and refused this call; the operator finds the reason in the audit log"}
		}
		if err := g.store.Update(ctx, func(tx ostiary.Tx) error {
			if err := get(tx); err != nil || key != nil {
				return err
			}
			key = fresh
			return tx.Put(bucketKey, ostiary.Row{Key: keyRow, Value: fresh})
		}); err != nil {
			return nil, err
		}
	}
	if len(key) != 32 {
		return nil, &ostiary.Error{
			Code:    ostiary.CodeStoreUnavailable,
			Message: "the key of the approvals cannot be used, so the call is refused: the operator must look at the store", Reason: "row " + keyRow + " of bucket " + bucketKey,
		}
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
