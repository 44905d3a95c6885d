package validate

import (
	"context"
	"errors"
	"fmt"
	"strconv"

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
	// validate_missing. A null is not absent.
	Optional bool

	Path    *Path
	Command *Command
	SQL     *SQL
	URL     *URL
	// Enum lists the JSON values that are allowed. Numbers are equal if they are
	// the same decimal number, however they are written.
	Enum []any
	// Pattern is an RE2 expression that must match the whole string.
	Pattern string
	// MaxBytes bounds a string's UTF-8 bytes, or the compact JSON text of another
	// value; 0 means no bound.
	MaxBytes int
	Range    *Range
}

// Options are what the room needs of others.
type Options struct {
	// WorkingDir is the absolute directory in which the upstream resolves a
	// relative name; empty means the root of the path.
	WorkingDir string
	// Home is the home directory of the user that the upstream runs as; a deny
	// row resolves "~" with it.
	Home string
	// Protect lists files and directories that no argument may name, whatever
	// the rule says: Ostiary's own configuration, state and keys. Absolute.
	Protect []string
	// SQL parses SQL text; nil denies every statement.
	SQL SQLParser
}

// judge decides about one value and denies by returning an *ostiary.Error with
// the code of its kind. Its message begins in lower case and does not name the
// place, which Compile puts in front. It is called by many goroutines at once,
// keeps nothing and changes nothing. v is map[string]any, []any, string, bool,
// nil or json.Number.
type judge func(ctx context.Context, v any) error

// validator is what every kind of check has: everything that can be done once
// is done in compile, whose error is one of the configuration.
type validator interface {
	compile(o Options) (judge, error)
}

// Compile makes the checks that a says about its place. The error has the code
// config_invalid: the pointer names something that the tool's schema does not
// know, the types cannot match, or the validator itself is wrong.
func Compile(a Argument, tool ostiary.Tool, o Options) ([]ostiary.Check, error) {
	tokens, err := parsePointer(a.Pointer)
	if err != nil {
		return nil, invalid(tool, a.Pointer, err)
	}
	kinds := a.kinds()
	if len(kinds) == 0 {
		return nil, invalid(tool, a.Pointer, errors.New("nothing is said about this argument: add path, command, sql, url, enum, pattern, max_bytes or range"))
	}
	if err := a.fits(tokens, tool, kinds); err != nil {
		return nil, invalid(tool, a.Pointer, err)
	}
	checks := make([]ostiary.Check, 0, len(kinds))
	for _, k := range kinds {
		var run judgeFor
		if p, ok := k.v.(*Path); ok {
			run, err = p.guard(o) // a path depends on the effect of the call as well
		} else {
			var j judge
			j, err = k.v.compile(o)
			run = func(ctx context.Context, _ *ostiary.Call, v any) error { return j(ctx, v) }
		}
		if err != nil {
			return nil, invalid(tool, a.Pointer, fmt.Errorf("%s: %w", k.name, err))
		}
		checks = append(checks, ostiary.Check{Pointer: a.Pointer, Kind: k.name, Run: attach(tokens, a.Optional, run)})
	}
	return checks, nil
}

// judgeFor is a judge that looks at the call as well.
type judgeFor func(ctx context.Context, c *ostiary.Call, v any) error

// attach makes a check of a judge: it finds the place and names it in errors.
func attach(tokens []string, optional bool, run judgeFor) func(context.Context, *ostiary.Call) error {
	return func(ctx context.Context, c *ostiary.Call) error {
		return visit(c.Args, tokens, "", optional, func(v any, at string) error {
			err := run(ctx, c, v)
			if err == nil {
				return nil
			}
			e := *ostiary.AsError(err)
			if e.Code != ostiary.CodeInternal {
				e.Message = place(at) + ": " + e.Message
			} else {
				e.Reason = place(at) + ": " + e.Reason
			}
			return &e
		})
	}
}

// kind is one validator of an Argument under its configuration key.
type kind struct {
	name string
	v    validator
	// text says that the validator judges strings only, number that it judges
	// numbers only.
	text, number bool
}

// kinds lists the validators that are set, the cheap ones first.
func (a *Argument) kinds() []kind {
	var ks []kind
	if a.MaxBytes != 0 {
		ks = append(ks, kind{name: "max_bytes", v: maxBytes(a.MaxBytes)})
	}
	if a.Enum != nil {
		ks = append(ks, kind{name: "enum", v: enum(a.Enum)})
	}
	if a.Range != nil {
		ks = append(ks, kind{name: "range", v: a.Range, number: true})
	}
	if a.Pattern != "" {
		ks = append(ks, kind{name: "pattern", v: pattern(a.Pattern), text: true})
	}
	if a.Path != nil {
		ks = append(ks, kind{name: "path", v: a.Path, text: true})
	}
	if a.URL != nil {
		ks = append(ks, kind{name: "url", v: a.URL, text: true})
	}
	if a.Command != nil {
		ks = append(ks, kind{name: "command", v: a.Command})
	}
	if a.SQL != nil {
		ks = append(ks, kind{name: "sql", v: a.SQL, text: true})
	}
	return ks
}

// fits compares the place with what the tool's own schema says about it.
func (a *Argument) fits(tokens []string, tool ostiary.Tool, kinds []kind) error {
	s, unusable := parseSchema(tool.InputSchema)
	var at types
	var err error
	if unusable == nil { // else the schema check denies every call and says why
		at, err = lookup(s, tokens)
	}
	if err != nil {
		return err
	}
	if at == 0 {
		return nil
	}
	for _, k := range kinds {
		switch {
		case k.text && at&typeString == 0:
			next := "attach it to a string"
			if at&typeArray != 0 {
				next = "write " + strconv.Quote(a.Pointer+"/*") + " for each element"
			}
			return fmt.Errorf("%s judges a string, and the tool's schema says %s: %s", k.name, at, next)
		case k.number && at&(typeNumber|typeInteger) == 0:
			return fmt.Errorf("%s judges a number, and the tool's schema says %s", k.name, at)
		}
	}
	return nil
}

func invalid(tool ostiary.Tool, pointer string, err error) error {
	var e *ostiary.Error
	if errors.As(err, &e) {
		err = errors.New(e.Message)
	}
	at := pointer
	if at == "" {
		at = `""`
	}
	return &ostiary.Error{Code: ostiary.CodeConfigInvalid,
		Message: fmt.Sprintf("%s/%s: %s: %v", tool.Upstream, tool.Name, at, err)}
}

// wrongType denies a value of another JSON type.
func wrongType(want string, v any) error {
	return &ostiary.Error{Code: ostiary.CodeValidateType, Message: "must be " + want + ", not " + typeName(v)}
}
