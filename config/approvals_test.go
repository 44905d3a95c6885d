package config_test

import (
	"strings"
	"testing"

	"github.com/ostiary/ostiary/config"
)

// What is wrong under approvals: is said with the value and the line, except
// where that may hold the secret of the webhook.
func TestApprovalsErrors(t *testing.T) {
	for text, want := range map[string]string{
		"approvals:\n  wait: 5\n":                                             "p.yaml:3:9: expected a duration such as 30s, from 0s to 1h, found 5 without a unit: write 5s for seconds\n  3 |   wait: 5\n",
		"approvals:\n  expire: tomorrow\n":                                    `found "tomorrow"`,
		"approvals: {wait: 5}\n":                                              "found a number without a unit: write an s behind it for seconds",
		"approvals:\n  webhook: {secret: sekret, url: 5}\n  wait: 5\n":        "found 5 without a unit",
		"approvals:\n  wait: 5\n  webhok:\n    secret: sekret\n":              "found 5 without a unit",
		"approvals: {webhook: {secret:\n  sekret\n }, wait: 5}\n":             "found a number without a unit",
		"approvals: {webhook: {url: 'https://a.example', secret: sekret }}\n": "the secret of the webhook is too short",
		"approvals:\n  wait: 20m\n":                                           "p.yaml:3:3: a request would expire after 10m, before the call has waited 20m for it",
		"approvals:\n  expire: 30s\n":                                         "before the call has waited 45s",
		"approvals:\n  wait: 30s\n  expire: 30s\n":                            "",
	} {
		_, err := config.Parse("p.yaml", []byte("version: 1\n"+text), config.Options{Dir: t.TempDir()})
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", text, err)
		case want == "":
		case err == nil:
			t.Errorf("%s: accepted, want %q", text, want)
		case !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "sekret") || strings.Contains(err.Error(), "thiss"):
			t.Errorf("%s: %v\nlacks %q", text, err, want)
		}
	}
}
