package approval

import (
	"context"
	"fmt"
	"io"

	"github.com/ostiary/ostiary"
)

// restRow is how much of the rest of masked arguments one row has.
const restRow = 1 << 20

func restKey(id string, n int) string { return fmt.Sprintf("%s/%04d", id, n) }

// putRest keeps what of the masked arguments is too long for the detail, as long as
// somebody may decide about it. A row ends between two characters.
func putRest(tx ostiary.Tx, r *Request, rest []byte) error {
	for i := 0; len(rest) > 0; i++ {
		part, _ := bounded(rest, restRow)
		if err := tx.Put(bucketRest, ostiary.Row{Key: restKey(r.ID, i), Expires: r.Expires, Value: part}); err != nil {
			return err
		}
		rest = rest[len(part):]
	}
	return nil
}

func dropRest(tx ostiary.Tx, id string) error {
	var keys []string
	for row, err := range tx.List(bucketRest, ostiary.Query{Prefix: id + "/"}) {
		if err != nil {
			return err
		}
		keys = append(keys, row.Key)
	}
	for _, key := range keys {
		if err := tx.Delete(bucketRest, key); err != nil {
			return err
		}
	}
	return nil
}

// Arguments writes the masked arguments of a request whole, also where they are too
// long for a card. The error is approval_unknown if there is no such request, or if
// its end is not kept any more, which is so once it was decided.
func (d *Desk) Arguments(ctx context.Context, id string, w io.Writer) error {
	r, err := d.Get(ctx, id)
	if err != nil {
		return err
	}
	if _, err := w.Write(r.Args); err != nil {
		return err
	}
	for i, left := 0, r.ArgsCut; left > 0; i++ {
		var row *ostiary.Row
		err := d.store.View(ctx, func(tx ostiary.Tx) (err error) {
			row, err = tx.Get(bucketRest, restKey(r.ID, i))
			return err
		})
		if err != nil {
			return err
		}
		if row == nil {
			return refuse(ostiary.CodeApprovalUnknown, "", "the last %d bytes of the arguments of request %s were kept only as long as it could be used", left, r.ID)
		}
		if _, err := w.Write(row.Value); err != nil {
			return err
		}
		left -= len(row.Value)
	}
	return nil
}
