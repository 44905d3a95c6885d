package validate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	ostiary "github.com/ostiary/ostiary"
)

// decode makes arguments as package wire does.
func decode(t testing.TB, text string) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("decode %s: %v", text, err)
	}
	return v
}

func callWith(t testing.TB, effect ostiary.Effect, args string) *ostiary.Call {
	t.Helper()
	return &ostiary.Call{Effect: effect, Arguments: []byte(args), Args: decode(t, args)}
}

func toolWith(schema string) ostiary.Tool {
	return ostiary.Tool{Upstream: "up", Name: "tool", InputSchema: []byte(schema)}
}

// wantCode fails unless err has the code; "" means no error.
func wantCode(t testing.TB, err error, code ostiary.Code) {
	t.Helper()
	switch {
	case code == "" && err != nil:
		t.Fatalf("refused: %v", err)
	case code != "" && err == nil:
		t.Fatalf("allowed, want %s", code)
	case code != "" && !errors.Is(err, code):
		t.Fatalf("got %v, want %s", err, code)
	}
}

func wantMessage(t testing.TB, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	msg := ostiary.AsError(err).Message
	for _, p := range parts {
		if !strings.Contains(msg, p) {
			t.Fatalf("message %q does not say %q", msg, p)
		}
	}
}

// run compiles a and runs it on the arguments.
func run(t testing.TB, a Argument, o Options, schema string, effect ostiary.Effect, args string) error {
	t.Helper()
	checks, err := Compile(a, toolWith(schema), o)
	if err != nil {
		t.Fatalf("compile: %v", err)
	}
	c := callWith(t, effect, args)
	c.Rule = &ostiary.Rule{Checks: checks}
	d, err := Gate().Check(context.Background(), c)
	if err == nil && d.Verdict != ostiary.Allow {
		t.Fatalf("verdict %v without an error", d.Verdict)
	}
	return err
}

func jsonValid(s string) bool { return json.Valid([]byte(s)) }
