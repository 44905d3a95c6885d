package store

import (
	"errors"
	"fmt"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/ostiary/ostiary"
)

// unavailable is the error for whatever SQLite or the file system refuses.
func unavailable(doing string, err error) error {
	what := "ask the operator to look at the store's files and at the disk of the state directory"
	switch primary(err) {
	case sqlite3.SQLITE_FULL:
		what = "its disk is full; ask the operator to make space"
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		what = "its file is damaged; ask the operator to stop every door and to put a copy back, or to move store.* away, which forgets approvals, grants, freezes and idempotency keys"
	case sqlite3.SQLITE_READONLY:
		what = "its file cannot be written; ask the operator to look at who mounted and who owns the state directory"
	}
	return &ostiary.Error{
		Code:    ostiary.CodeStoreUnavailable,
		Message: "the store of approvals, grants and freezes does not work, so what needs it is refused: " + what,
		Reason:  "store: " + doing,
		Err:     err,
	}
}

// gone is the error for a file that was deleted or replaced under us.
func gone(path, what string) error {
	return &ostiary.Error{
		Code: ostiary.CodeStoreUnavailable,
		Message: "the store of approvals, grants and freezes was deleted or replaced, so what needs it is refused; the operator must stop every door and put the file back, " +
			"or move all of store.* away, which forgets approvals, grants, freezes and idempotency keys",
		Reason: fmt.Sprintf("store: %s %s", path, what),
	}
}

// busy is the error for a wait that ended without a turn.
func busy(doing string, err error) error {
	return &ostiary.Error{
		Code:       ostiary.CodeStoreBusy,
		Message:    "the store of approvals, grants and freezes was in use by others for too long, so nothing was changed; try again",
		Reason:     "store: " + doing,
		RetryAfter: time.Second,
		Err:        err,
	}
}

func closed() error {
	return &ostiary.Error{
		Code:    ostiary.CodeStoreUnavailable,
		Message: "the door is closing and its store with it; reconnect",
		Reason:  "store: used after Close",
	}
}

func newer(found, known int64) error {
	return &ostiary.Error{
		Code:    ostiary.CodeStoreSchema,
		Message: "the store was written by a newer Ostiary than this one; update this one, or give it a state directory of its own with --state",
		Reason:  fmt.Sprintf("store: schema %d, known up to %d", found, known),
	}
}

func misused(what string) error {
	return &ostiary.Error{
		Code:    ostiary.CodeInternal,
		Message: "the door used its store wrongly and refused the call; the operator finds the reason in the audit log",
		Reason:  "store: " + what,
	}
}

func unsafeState(path, what, next string) error {
	return &ostiary.Error{
		Code:    ostiary.CodeStateUnsafe,
		Message: "the store is not private to its owner, so approvals and grants could be read or forged; the operator must repair it before any call may run",
		Reason:  fmt.Sprintf("%s %s; %s", path, what, next),
	}
}

// DiskFull reports whether SQLite found no space, or no more of a quota. Of a file that it
// cannot write or lengthen it says no more than that, unless the system said "no space".
func DiskFull(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && (primary(e) == sqlite3.SQLITE_FULL || e.Code() == sqlite3.SQLITE_IOERR_WRITE || e.Code() == sqlite3.SQLITE_IOERR_SHMSIZE)
}

// primary is SQLite's primary result code, or 0 for errors of others.
func primary(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}
