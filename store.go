package ostiary

import (
	"context"
	"iter"
	"time"
)

// Store is state that outlives a call and is shared by every process of a state
// directory: approvals, grants, idempotency keys, freezes. Rooms keep their own
// encodings; the store knows rows. It is used by many goroutines at once. An
// error of the store denies whatever needed it.
type Store interface {
	// Update runs f in one transaction that is alone among the writers of all
	// processes; it is durable when Update returns nil. An error of f or of any
	// method of tx, even one that f overlooked, or a panic, which goes on, undoes
	// everything. f MUST NOT keep tx and MUST NOT wait for anything else, nor call
	// the store. Writers come in turn; one that waited for too long gets store_busy.
	Update(ctx context.Context, f func(tx Tx) error) error
	// View runs f on one consistent snapshot. It waits for no writer.
	View(ctx context.Context, f func(tx Tx) error) error
	// Version is a number that grows whenever a process has committed a change
	// to the bucket, and for nothing else. It is cheap enough to be asked many
	// times a second, and dear enough not to be asked for every call.
	Version(ctx context.Context, bucket string) (int64, error)
}

// Tx is a transaction, used by one goroutine. Buckets exist when something is
// put into them. The names of buckets, keys and groups are UTF-8 without a zero
// byte, of at most 1024 bytes, and are ordered byte by byte; only a group may be
// empty. A value has at most 16 MiB.
type Tx interface {
	// Get returns nil without error if there is no such row.
	Get(bucket, key string) (*Row, error)
	// Put inserts or replaces a row. In a View it fails.
	Put(bucket string, r Row) error
	// Delete removes a row if it is there. In a View it fails.
	Delete(bucket, key string) error
	// List yields the rows that a query names, in the order of their keys. The
	// body of the loop may end it and may use tx; what it writes to rows that come
	// later may or may not be seen. After an error the loop ends.
	List(bucket string, q Query) iter.Seq2[Row, error]
}

// Row is one entry of a bucket.
type Row struct {
	Key string
	// Group is what rows can be listed by: a state, an owner. May be empty.
	Group string
	// Expires, if set, is when the row may be forgotten; until then it stays,
	// and after it may stay for a while, so whoever reads it looks at it. It is
	// kept in microseconds, rounded up.
	Expires time.Time
	Value   []byte
}

// Query names rows. The zero value names all of a bucket.
type Query struct {
	// Group, if set, names only rows of that group.
	Group string
	// Prefix, if set, names only keys that begin with it.
	Prefix string
	// After, if set, names only keys behind it.
	After string
	// Since, if above 0, names only rows that were put into Group behind that
	// Version of the bucket. It needs a group. Rows that were deleted, or went to
	// another group, are not told.
	Since int64
	// Limit is how many rows at most; 0 means all.
	Limit int
}
