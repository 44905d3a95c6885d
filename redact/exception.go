package redact

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ostiary/ostiary"
)

// An Exception lets one thing pass that a rule takes for a secret: what this rule
// finds at this place of what this tool of this server sends back. It ends by itself.
// What the operator configured as a credential has no exception.
type Exception struct {
	// ID begins with "x-"; the same place has the same id.
	ID string `json:"id"`
	// Rule, Upstream and Tool are exact. Tool is what [Subject] calls it.
	Rule     string `json:"rule"`
	Upstream string `json:"upstream"`
	Tool     string `json:"tool"`
	// Pointer is the JSON pointer (RFC 6901) from the root of the result, the error or
	// the params. With AnyIndex it is a pattern: * stands for any place in an array.
	// A pointer does not tell an array's place from a member whose name is a number,
	// so * stands for such a name too, and for no other.
	Pointer  string `json:"pointer"`
	AnyIndex bool   `json:"any_index,omitempty"`
	// Value, if set, is the hash of the only value that passes.
	Value string `json:"value,omitempty"`
	// Finding is the one that it was made from, if any; By is who made it, Channel
	// where, Reason why.
	Finding string    `json:"finding,omitempty"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
	By      string    `json:"by"`
	Channel string    `json:"channel"`
	Reason  string    `json:"reason"`
}

const (
	exceptionBucket = "redact_exception"
	// exceptionKept is how long a row stays behind its end, for who asks what was.
	exceptionKept = 7 * 24 * time.Hour
)

// Subject is what exceptions and findings call the tool of a call: its name, or for
// what is no call of a tool the method and what it names, such as
// "resources/read file:///notes".
func Subject(c *ostiary.Call) string { return SubjectOf(c.Class.String(), c.Method, c.Target) }

// SubjectOf is [Subject] for what a record says of a call.
func SubjectOf(class, method, target string) string {
	switch {
	case class == ostiary.ClassTool.String():
		return target
	case target == "":
		return method
	}
	return method + " " + target
}

// place is what an exception is looked up by.
type place struct{ upstream, tool, rule, pointer string }

func (x *Exception) place() place { return place{x.Upstream, x.Tool, x.Rule, x.Pointer} }

// id names the place and the value, so that who excepts it again renews it.
func (x *Exception) id() string {
	h := sha256.New()
	for _, s := range []string{x.Rule, x.Upstream, x.Tool, x.Pointer, fmt.Sprint(x.AnyIndex), x.Value} {
		fmt.Fprintf(h, "%d:%s", len(s), s)
	}
	return "x-" + strings.ToLower(base32.StdEncoding.EncodeToString(h.Sum(nil)[:10]))
}

// Covers reports whether it is about what a rule found at a place, as [Exceptions.Allows]
// asks, whatever the time.
func (x *Exception) Covers(upstream, tool, pointer, rule, valueHash string) bool {
	if x.AnyIndex {
		pointer = anyIndex(pointer)
	}
	return x.place() == place{upstream, tool, rule, pointer} && (x.Value == "" || x.Value == valueHash)
}

// live reports whether it counts at a time.
func (x *Exception) live(now time.Time) bool { return now.Before(x.Expires) }

func (x *Exception) row() (ostiary.Row, error) {
	value, err := json.Marshal(x)
	return ostiary.Row{Key: x.ID, Group: x.Upstream, Expires: x.Expires.Add(exceptionKept), Value: value}, err
}

// readException refuses what it does not understand whole: a field that it does not
// know may narrow.
func readException(r *ostiary.Row) (*Exception, error) {
	var x Exception
	d := json.NewDecoder(bytes.NewReader(r.Value))
	d.DisallowUnknownFields()
	err := d.Decode(&x)
	if err == nil && (x.ID != r.Key || x.id() != r.Key || x.Expires.IsZero() || neverExcepted(x.Rule)) {
		err = errors.New("its fields contradict each other")
	}
	if err != nil {
		return nil, &ostiary.Error{Code: ostiary.CodeStoreUnavailable, Err: err,
			Message: "an exception cannot be read, so it does not count: the operator must look at the state directory",
			Reason:  "the store's row " + r.Key + " is none that this version writes"}
	}
	return &x, nil
}

// neverExcepted reports whether nobody may except what this rule finds: the
// configured credentials and the door's own keys stop here.
func neverExcepted(rule string) bool { return rule == ruleKnown }

// anyIndex is a pointer with * for each place in an array. A member that is called *
// becomes ~2, which no pointer has.
func anyIndex(pointer string) string {
	if !strings.ContainsAny(pointer, "0123456789*") {
		return pointer
	}
	var b strings.Builder
	for i, part := range strings.Split(pointer, "/") {
		if i > 0 {
			b.WriteByte('/')
		}
		switch {
		case isIndex(part):
			part = "*"
		case part == "*":
			part = "~2"
		}
		b.WriteString(part)
	}
	return b.String()
}

// isIndex reports whether a part of a pointer is how RFC 6901 writes the place in an
// array.
func isIndex(part string) bool {
	if part == "" || len(part) > 1 && part[0] == '0' {
		return false
	}
	for i := range len(part) {
		if part[i] < '0' || part[i] > '9' {
			return false
		}
	}
	return true
}
