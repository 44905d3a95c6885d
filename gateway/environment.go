package gateway

import (
	"maps"
	"slices"
	"strings"
)

// inherited are the variables that a server gets from our own environment
// without being named: what programs need to find their files and their
// language, nothing that usually carries a credential.
var inherited = [...]string{
	"HOME", "LANG", "LC_ALL", "LC_CTYPE", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "TZ", "USER",
}

// Environment makes the environment of a server: the allow-list and the names in
// pass from ours, then set, which wins. Values that a shell would read as
// functions are dropped.
func Environment(ours []string, pass []string, set map[string]string) []string {
	wanted := make(map[string]bool, len(inherited)+len(pass))
	for _, name := range inherited {
		wanted[name] = true
	}
	for _, name := range pass {
		wanted[name] = true
	}
	var env []string
	for _, kv := range ours {
		name, value, ok := strings.Cut(kv, "=")
		if _, replaced := set[name]; !ok || replaced || !wanted[name] || strings.HasPrefix(value, "()") {
			continue
		}
		env = append(env, kv)
	}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		env = append(env, name+"="+set[name])
	}
	return env
}
