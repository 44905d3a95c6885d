package scan

import (
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// Describe says for people what a rule of the dependency or one of our own finds; ""
// for one that has no description or is the user's.
func Describe(rule string) string {
	switch rule {
	case "provider-key":
		return "Key of a provider of models or payments, as begins with sk-."
	case "bearer":
		return "Bearer token, which opens to whoever has it."
	case "basic-auth":
		return "Name and password of HTTP basic authentication."
	case "cookie":
		return "Cookie of a session, which is a login to whoever has it."
	case "url-password":
		return "Password inside of a URL, such as a connection string of a database."
	case "email", "phone", "card", "iban", "national-id", "ip":
		return "Personal data that the policy asks to keep back (redact.personal)."
	}
	for _, r := range ownRules() {
		if r.ID == rule {
			return r.Description
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
