package auth

import (
	"fmt"
	"time"

	"github.com/ostiary/ostiary"
)

// refuse makes a refusal. What a caller sent is never a part of it: a token in a
// wrong place must not reach a log.
func refuse(code ostiary.Code, format string, args ...any) *ostiary.Error {
	return &ostiary.Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// because adds what only the operator should see.
func because(e *ostiary.Error, format string, args ...any) *ostiary.Error {
	e.Reason = fmt.Sprintf(format, args...)
	return e
}

// unavailable is for an issuer that cannot be asked. What it answered is cut: it
// may be a page of any length.
func unavailable(what string, wait time.Duration, cause error) *ostiary.Error {
	e := refuse(ostiary.CodeAuthUnavailable, "the token cannot be checked because its issuer does not answer: try again in %s", wait)
	e.RetryAfter = wait
	if cause != nil {
		const most = 300
		text := cause.Error()
		e.Reason = fmt.Sprintf("%s: %q", what, text[:min(len(text), most)])
	}
	return e
}

func badToken() *ostiary.Error {
	return refuse(ostiary.CodeAuthToken, "the bearer token is none that its issuer has signed: get a new one from the issuer")
}

func configInvalid(format string, args ...any) *ostiary.Error {
	return refuse(ostiary.CodeConfigInvalid, format, args...)
}
