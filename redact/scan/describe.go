package scan

import (
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// Describe says for people what a rule of the dependency or one of our own finds; ""
// for one that has no description or is the user's.
func Describe(rule string) string {
	switch rule {
	case "email", "phone", "card", "iban", "national-id", "ip":
		return "Personal data that the policy asks to keep back (redact.personal)."
	}
	for _, r := range ownRules() {
		if r.id == rule {
			return r.about
		}
	}
	var file struct {
		Rules []struct{ ID, Description string }
	}
	if toml.Unmarshal([]byte(defaultRules()), &file) != nil {
		return ""
	}
	for _, r := range file.Rules {
		if r.ID == rule {
			return strings.TrimSpace(r.Description)
		}
	}
	return ""
}
