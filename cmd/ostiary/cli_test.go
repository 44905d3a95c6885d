package main

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/ostiary/ostiary"
)

// What is around an error says what it is about, and reaches the person.
func TestFailKeepsWhatIsAroundAnError(t *testing.T) {
	one := &ostiary.Error{Code: ostiary.CodeGrantInvalid, Message: "too long", Reason: "25h", Err: errors.New("cause")}
	two := &ostiary.Error{Code: ostiary.CodeStoreUnavailable, Message: "no \x1b[2Jspace"}
	around := fmt.Errorf("request 7h2k is approved, and the grant was not made: %w", one)
	for _, c := range []struct {
		err  error
		want string
	}{
		{one, "ostiary: too long (25h): cause\n"},
		{around, "ostiary: request 7h2k is approved, and the grant was not made: too long (25h): cause\n"},
		{readable(around), "ostiary: request 7h2k is approved, and the grant was not made: too long (25h): cause\n"},
		{readable(errors.Join(around, two)), "ostiary: request 7h2k is approved, and the grant was not made: too long (25h): cause\nostiary: no \\u{1b}[2Jspace\n"},
		{readable(fmt.Errorf("\x1b[2J %w", two)), "ostiary: \\u{1b}[2J no \\u{1b}[2Jspace\n"},
	} {
		var b bytes.Buffer
		if code := (program{err: &b}).fail(c.err); code != failed || b.String() != c.want {
			t.Errorf("%d, %q, want %q", code, b.String(), c.want)
		}
	}
}
