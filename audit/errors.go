package audit

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/ostiary/ostiary"
)

func unavailable(doing string, err error) *ostiary.Error {
	return &ostiary.Error{
		Code: ostiary.CodeAuditUnavailable,
		Message: "the audit log cannot be written, so no call may run; ask the operator to check the disk of the state directory " +
			"(space, quota, errors) and then to restart the door",
		Reason: "audit: " + doing,
		Err:    err,
	}
}

func unsafeState(path, what, next string) *ostiary.Error {
	return &ostiary.Error{
		Code:    ostiary.CodeStateUnsafe,
		Message: "the state directory is not private to its owner, so the evidence could be forged; the operator must repair it before any call may run",
		Reason:  fmt.Sprintf("%s %s; %s", path, what, next),
	}
}

// DiskFull says whether the system or SQLite found no space, or no more of a quota.
func DiskFull(err error) bool {
	if e, ok := errors.AsType[*sqlite.Error](err); ok && e.Code()&0xff == sqlite3.SQLITE_FULL {
		return true
	}
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT)
}

func misused(what string) *ostiary.Error {
	return &ostiary.Error{
		Code:    ostiary.CodeInternal,
		Message: "the door recorded this call wrongly and refused it; the operator finds the reason in the audit log",
		Reason:  "audit: " + what,
	}
}
