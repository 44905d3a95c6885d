package incident

import "github.com/ostiary/ostiary"

func unreadable(err error) error {
	return &ostiary.Error{Code: ostiary.CodeAuditUnavailable, Err: err,
		Message: "what the evidence refers to cannot be read; run this as the user who runs the door"}
}

func notArchive(what string) error {
	return &ostiary.Error{Code: ostiary.CodeIncidentBroken, Message: "the archive was refused: " + what +
		"; do not unpack it, and ask for it again from who exported it"}
}
