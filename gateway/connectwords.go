package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"unicode"

	"github.com/ostiary/ostiary"
)

// What this end says of its door, to the agent and to the person.

const unknownEffect = "; whether the call took effect is unknown: look before you repeat it"

// noCall is an error about what was no call: a handshake, a notification, an answer.
// Nothing can have taken effect that is looked for and repeated.
func noCall(err error) error {
	e := *ostiary.AsError(err)
	e.Message = strings.Replace(e.Message, unknownEffect, "; ask its operator", 1)
	return &e
}

var errSessionLost = &ostiary.Error{Code: ostiary.CodeGatewaySession,
	Message: "the door has ended this session" + unknownEffect + ", and reconnect the server"}

func notOfProtocol(what string) error {
	return &ostiary.Error{Code: ostiary.CodeGatewayUpstream, Message: "the door sent " + what + unknownEffect + ", and look whether it is an Ostiary"}
}

func (c *connection) cutOff(err error) error {
	if e := (*ostiary.Error)(nil); errors.As(err, &e) {
		return e
	}
	if errors.Is(err, context.Canceled) {
		return errDoorEnded
	}
	return &ostiary.Error{Code: ostiary.CodeGatewayUpstream, Err: err,
		Message: "the door's answer was cut off" + unknownEffect}
}

// refusedBy explains a status without a message of the protocol.
func refusedBy(status int, said string) error {
	e := &ostiary.Error{Code: ostiary.CodeGatewayUpstream}
	switch {
	case status == http.StatusUnauthorized:
		e.Message = "the door does not know who calls (HTTP 401)" + said + ". Give a file that holds a credential that counts with --token-file"
	case status == http.StatusForbidden:
		e.Message = "the door refused this caller (HTTP 403)" + said + ". Ask its operator"
	case status >= 300 && status < 400:
		e.Message = fmt.Sprintf("the door answered with a redirect (HTTP %d), which is not followed: correct the URL", status)
	case status == http.StatusNotFound: // no door answers so to what it carried out
		e.Message = "nothing is there under this name (HTTP 404)" + said + ". Correct --name or the URL; without --name and without a path this command finds the server where there is only one"
	case status < 300:
		e.Message = fmt.Sprintf("the door answered with something that is neither JSON nor an event stream (HTTP %d)%s", status, unknownEffect)
	default:
		e.Message = fmt.Sprintf("the door answered with HTTP %d%s%s", status, said, unknownEffect)
	}
	return e
}

// explain says why the door was not reached, and what to do.
func (c *connection) explain(err error) error {
	if e := (*ostiary.Error)(nil); errors.As(err, &e) {
		return e
	}
	if errors.Is(err, context.Canceled) {
		return errDoorEnded
	}
	next := ": see that it runs and that its address is right"
	switch {
	case errors.Is(err, fs.ErrPermission):
		next = ": this user may not connect to it. Ask its operator to add the user to the group of the socket, then sign in anew"
	case errors.Is(err, fs.ErrNotExist) && strings.Contains(c.o.Door, ":"):
		next = ": there is no such socket. If a URL is meant, begin it with http:// or https://"
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, fs.ErrNotExist):
		next = ": nobody listens there. Start it with `ostiary serve`, or ask its operator"
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.ErrUnexpectedEOF):
		next = ", it has hung up" + unknownEffect + ", and see that it runs"
	}
	return &ostiary.Error{Code: ostiary.CodeGatewayUpstream, Err: err, Message: "the door at " + c.o.Door + " cannot be reached" + next}
}

// complaints keep an outage from filling the screen.
type complaints struct {
	mu   sync.Mutex
	last string
}

// fresh reports whether this was not the last thing said.
func (s *complaints) fresh(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == text {
		return false
	}
	s.last = text
	return true
}

func (s *complaints) calm() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = ""
}

// say tells the person. What the door sent may be anything, so it is made visible.
func (c *connection) say(err error) {
	e := ostiary.AsError(err)
	if text := e.Message; c.said.fresh(text) {
		clean := strings.Map(func(r rune) rune {
			if unicode.IsPrint(r) {
				return r
			}
			return ' '
		}, text)
		_, _ = fmt.Fprintln(c.o.Stderr, "ostiary connect:", clean) // nobody is left to tell
	}
}
