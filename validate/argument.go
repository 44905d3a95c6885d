package validate

import (
	"context"
	"encoding/json"

	ostiary "github.com/ostiary/ostiary"
)

// Argument is what a rule's `args:` says about one place in the arguments.
// Exactly the fields that are set apply, and all of them must pass.
type Argument struct {
	// Pointer is a JSON pointer (RFC 6901) into the arguments: "/path",
	// "/paths/*", "" for the whole. A token "*" stands for every element of an
	// array or every member of an object. A deny row may also give a bare name,
	// see Forbids.
	Pointer string
	// Optional lets the place be absent; otherwise absence denies with
	// validate_missing.
	Optional bool

	Path    *Path
	Command *Command
	SQL     *SQL
	URL     *URL
	// Enum lists the JSON values that are allowed (as decoded by encoding/json
	// with UseNumber; Go numbers are accepted too).
	Enum []any
	// Pattern is an RE2 expression that must match the whole string.
	Pattern string
	// MaxBytes bounds a string's UTF-8 bytes, or the JSON text of another value.
	MaxBytes int
	Range    *Range
}

// Options are what the room needs of others.
type Options struct {
	// WorkingDir is the absolute directory in which the upstream resolves a
	// relative name; the root of a path where it is empty.
	WorkingDir string
	// Home is the home directory of the user that the upstream runs as; a deny
	// row resolves "~" with it.
	Home string
	// Protect lists files and directories that no argument may name, whatever
	// the rule says: Ostiary's own configuration, state and keys.
	Protect []string
	// SQL parses PostgreSQL; nil denies every PostgreSQL statement.
	SQL *SQLHelper
}

// judge decides about one value and denies by returning an *ostiary.Error with
// the code of its kind. It is called by many goroutines at once, keeps nothing
// and changes nothing. v is map[string]any, []any, string, bool, nil or
// json.Number.
type judge func(ctx context.Context, v any) error

// validator is what every kind of check (Path, Command, SQL, URL, …) has:
// everything that can be done once is done in compile, whose error is one of
// the configuration (ostiary.CodeConfigInvalid).
type validator interface {
	compile(o Options) (judge, error)
}

var (
	_ validator = (*Path)(nil)
	_ validator = (*Command)(nil)
	_ validator = (*SQL)(nil)
	_ validator = (*URL)(nil)
	_ validator = (*Range)(nil)
	_ json.Number
	_ ostiary.Check
)
