package scan

import (
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/zricethezav/gitleaks/v8/config"

	"github.com/ostiary/ostiary"
)

// ruleFile is what of gitleaks' configuration means something here. Paths and
// commits do not: what is scanned has none.
type ruleFile struct {
	Allowlist  *allowTable
	Allowlists []allowTable
	Rules      []struct {
		ID          string
		Regex       string
		Path        string
		SecretGroup int
		Entropy     float64
		Keywords    []string
		Allowlist   *allowTable
		Allowlists  []allowTable
		Required    []map[string]any
		SkipReport  bool
	}
}

type allowTable struct {
	TargetRules []string
	Condition   string
	Commits     []string
	Paths       []string
	RegexTarget string
	Regexes     []string
	StopWords   []string
}

// defaultRules is the rule file of the dependency.
func defaultRules() string { return config.DefaultConfig }

// load reads a rule file and returns its rules in their order, and the allowlists
// that hold for all of them.
func load(text string) (rules []*rule, global []*allowlist, err error) {
	var file ruleFile
	if err := toml.Unmarshal([]byte(text), &file); err != nil {
		return nil, nil, invalid("The file of secret rules is no TOML that gitleaks would read.", err)
	}
	targeted := map[string][]*allowlist{}
	for _, t := range with(file.Allowlists, file.Allowlist) {
		a, err := newAllowlist(t)
		if err != nil {
			return nil, nil, invalid("An allowlist of the secret rules cannot be used.", err)
		}
		for _, id := range t.TargetRules {
			targeted[id] = append(targeted[id], a)
		}
		if len(t.TargetRules) == 0 && a != nil {
			global = append(global, a)
		}
	}
	for _, f := range file.Rules {
		// A rule about names of files finds nothing in a text, one that is not
		// reported only helps another.
		if f.Regex == "" || f.SkipReport || len(f.Required) > 0 {
			continue
		}
		r := &rule{id: strings.Clone(f.ID), regex: strings.Clone(f.Regex), group: f.SecretGroup, entropy: f.Entropy, allow: targeted[f.ID], pathOnly: f.Path != ""}
		for _, k := range f.Keywords {
			r.keywords = append(r.keywords, strings.ToLower(k))
		}
		for _, t := range with(f.Allowlists, f.Allowlist) {
			a, err := newAllowlist(t)
			if err != nil {
				return nil, nil, invalid(fmt.Sprintf("An allowlist of the secret rule %q cannot be used.", f.ID), err)
			}
			if a != nil {
				r.allow = append(r.allow, a)
			}
		}
		rules = append(rules, r)
	}
	return rules, global, nil
}

// with appends the table of the old spelling.
func with(tables []allowTable, old *allowTable) []allowTable {
	if old == nil {
		return tables
	}
	return append(tables, *old)
}

func invalid(message string, cause error) error {
	return &ostiary.Error{Code: ostiary.CodeConfigInvalid, Message: message, Err: cause}
}
