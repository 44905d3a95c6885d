package idempotency

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"time"
	"unicode/utf8"

	"github.com/ostiary/ostiary"
)

// maxKey is how many characters a key has at most.
const maxKey = 256

// scoped is a key within its scope. Its texts do not hold the key itself.
type scoped struct {
	row    string // the name of the row
	digest string // of the arguments
	rule   string // where it is written
	keep   time.Duration
}

// under names the key in records and messages to the operator.
func (s scoped) under() string { return "key " + s.row[:12] }

// find returns the key that speaks for the call; ok is false if there is none
// that matters.
func (g *Gate) find(c *ostiary.Call) (s scoped, ok bool, err error) {
	var rule ostiary.IdempotencyRule
	if c.Rule != nil {
		rule = c.Rule.Idempotency
	}
	if c.DryRun || c.Class != ostiary.ClassTool {
		return s, false, nil
	}
	key := c.Key
	own, given, err := argument(c, rule.Argument)
	switch {
	case err != nil:
		return s, false, err
	case given && key != "" && own != key:
		return s, false, refuse(ostiary.CodeIdempotencyConflict, fmt.Sprintf(
			"the call has one idempotency key in the argument %q and another in _meta: send the same in both, or only one", rule.Argument))
	case given:
		key = own
	case key == "" && rule.Required:
		return s, false, required(rule.Argument)
	case key == "":
		return s, false, nil
	}
	if n := utf8.RuneCountInString(key); n < 1 || n > maxKey || !utf8.ValidString(key) {
		return s, false, refuse(ostiary.CodeIdempotencyInvalid, fmt.Sprintf(
			"an idempotency key has 1 to %d characters, and this one has %d: send a fresh random text such as a UUID, the same again only when you repeat this call", maxKey, n))
	}
	if !given && !c.IsSink() {
		return s, false, nil // nothing to protect
	}
	s.keep = g.keep
	if rule.Keep > 0 {
		s.keep = rule.Keep
	}
	if c.Rule != nil {
		s.rule = c.Rule.Source
	}
	s.row, s.digest = scope(c, key), hex.EncodeToString(c.Digest[:])
	return s, true, nil
}

// argument reads the key from the arguments; null is none.
func argument(c *ostiary.Call, name string) (key string, given bool, err error) {
	if name == "" {
		return "", false, nil
	}
	args, _ := c.Args.(map[string]any)
	v := args[name]
	if v == nil {
		return "", false, nil
	}
	key, ok := v.(string)
	if !ok {
		return "", false, refuse(ostiary.CodeIdempotencyInvalid, fmt.Sprintf(
			"the argument %q is this call's idempotency key and must be a text of 1 to %d characters: send a text", name, maxKey))
	}
	return key, true, nil
}

// scope is the name of the row: a digest of everything that a key belongs to.
func scope(c *ostiary.Call, key string) string {
	h := sha256.New()
	field(h, "idempotency 1")
	field(h, c.Principal.ID)
	field(h, c.Upstream)
	field(h, c.Method)
	field(h, c.Target)
	field(h, key)
	return hex.EncodeToString(h.Sum(nil))
}

// field writes a text with its length, so that no two lists look alike.
func field(h hash.Hash, s string) {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(s)))
	h.Write(n[:])
	_, _ = io.WriteString(h, s) // a hash never fails
}
