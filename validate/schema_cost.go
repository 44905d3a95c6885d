package validate

import (
	"fmt"
	"regexp/syntax"

	"github.com/google/jsonschema-go/jsonschema"
)

// The bounds on the patterns of a schema. RE2 takes time in proportion to the
// text times the program, and a short pattern can be a long program.
const (
	maxPatternBytes = 4 << 10
	maxProgram      = 10_000  // instructions of one pattern
	maxPrograms     = 200_000 // instructions of all patterns
	programStep     = 16      // instructions times bytes in one step of the walk
)

// countPattern bounds a pattern before anything compiles it, and keeps the
// length of its program for the walk. A pattern that RE2 does not know has none.
func (s *schema) countPattern(sub *jsonschema.Schema, pattern string, sizes map[*jsonschema.Schema]int) error {
	if pattern == "" {
		return nil
	}
	if len(pattern) > maxPatternBytes {
		return fmt.Errorf("pattern %q is longer than %d bytes", clip(pattern, 60), maxPatternBytes)
	}
	parsed, foreign := syntax.Parse(pattern, syntax.Perl)
	if foreign != nil {
		parsed = &syntax.Regexp{Op: syntax.OpEmptyMatch} // for the other engine, which has bounds of its own
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return fmt.Errorf("pattern %q: %s", clip(pattern, 60), clip(err.Error(), 100))
	}
	n := len(program.Inst)
	if n > maxProgram {
		return fmt.Errorf("pattern %q compiles to more than %d instructions", clip(pattern, 60), maxProgram)
	}
	if s.programs += n; s.programs > maxPrograms {
		return fmt.Errorf("the patterns compile to more than %d instructions", maxPrograms)
	}
	sizes[sub] = n
	return nil
}

// matching is what matching a text costs in steps of the walk.
func matching(text string, program int) int { return len(text) * program / programStep }

// dependent is what the lists of required names cost for one object.
func dependent(sub *jsonschema.Schema, v map[string]any) int {
	n := 0
	for _, lists := range [...]map[string][]string{sub.DependentRequired, sub.DependencyStrings} {
		n += len(lists)
		for name, list := range lists {
			if _, ok := v[name]; ok {
				n += len(list)
			}
		}
	}
	return n
}

// hashing is what uniqueItems costs, which looks at everything in a list.
func hashing(v any) int {
	n := 1
	switch v := v.(type) {
	case string:
		n += len(v) >> 9
	case []any:
		for _, e := range v {
			n += hashing(e)
		}
	case map[string]any:
		for name, e := range v {
			n += len(name)>>9 + hashing(e)
		}
	}
	return n
}
