package wire

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/ostiary/ostiary"
)

func refuse(code ostiary.Code, message string) *ostiary.Error {
	return &ostiary.Error{Code: code, Message: message}
}

// refuseAt puts the place into the reason: which byte is for the operator.
func refuseAt(code ostiary.Code, offset int, message string) *ostiary.Error {
	return &ostiary.Error{Code: code, Message: message, Reason: message + " (at byte " + strconv.Itoa(offset) + ")"}
}

func refuseSize(maxBytes int) *ostiary.Error {
	return refuse(ostiary.CodeWireSize, fmt.Sprintf("the message is longer than %d bytes; send less at once", maxBytes))
}

func refuseDepth(maxDepth int) *ostiary.Error {
	return refuse(ostiary.CodeWireDepth, fmt.Sprintf("the message is nested deeper than %d levels; send flatter data", maxDepth))
}

func refuseTwin(offset int) *ostiary.Error {
	return refuseAt(ostiary.CodeWireDuplicate, offset,
		"an object of the message has a key twice, two keys that differ only by upper and lower case, or a known key in another case; "+
			"send each key once and as the protocol spells it")
}

// refuseSyntax translates an error of the decoder.
func refuseSyntax(err error) error {
	if err == nil {
		return nil
	}
	offset, cause, detail := 0, err, ""
	if se, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		if offset = int(se.ByteOffset); se.Err != nil {
			cause, detail = se.Err, ": "+se.Err.Error()
		}
	}
	if errors.Is(cause, jsontext.ErrDuplicateName) {
		return refuseTwin(offset)
	}
	e := refuseAt(ostiary.CodeWireParse, offset, "the message is not valid JSON; send one JSON-RPC 2.0 object")
	e.Reason += detail
	return e
}
