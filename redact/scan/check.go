package scan

import (
	"fmt"
	"regexp/syntax"
	"strings"
)

// compiles reports why a regular expression cannot be used.
func compiles(source string) error {
	_, err := syntax.Parse(source, syntax.Perl)
	return err
}

// newRule makes a rule of one that people wrote.
func newRule(r Rule) (*rule, error) {
	parsed, err := syntax.Parse(r.Regex, syntax.Perl)
	if err != nil {
		return nil, invalid(fmt.Sprintf("The secret rule %q has a regular expression that RE2 does not take. Look-around and back references do not exist in it; leave them out.", r.ID), err)
	}
	if r.Group < 0 || r.Group > parsed.MaxCap() {
		return nil, invalid(fmt.Sprintf("The secret rule %q names group %d, and its regular expression has %d.", r.ID, r.Group, parsed.MaxCap()), nil)
	}
	made := &rule{id: r.ID, regex: r.Regex, group: r.Group, entropy: r.Entropy}
	for _, k := range r.Keywords {
		made.keywords = append(made.keywords, strings.ToLower(k))
	}
	return made, nil
}
