package main

import (
	"slices"

	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/config"
	"github.com/ostiary/ostiary/redact/scan"
)

// whyRule says what a rule is for. The operator's own say it in the policy.
func whyRule(f *audit.Finding, own []config.CustomRule) string {
	switch f.Stage {
	case "redact":
		why := "a secret in a result goes into the model's context, and from there into its answers, its next calls and other people's logs"
		if f.Rule == "known" {
			return "it is a credential of the configuration or of the door itself: " + why
		}
		if f.Action == "withheld" {
			return "what comes back is bounded and keeps the form that the tool declares, so that a client can read it"
		}
		if i := slices.IndexFunc(own, func(r config.CustomRule) bool { return r.ID == f.Rule }); i >= 0 && own[i].Description != "" {
			return own[i].Description + " (" + why + ")"
		}
		if about := scan.Describe(f.Rule); about != "" {
			return about + " (" + why + ")"
		}
		return why
	case "untrusted":
		return "text from outside holds characters that a person does not see and a model reads, or that change how the rest looks: they can carry instructions past whoever looks"
	case "detect":
		return "text from outside reads like an instruction to the model; that is a signal, which marks and is named on approval cards, and blocks only where a rule says so"
	}
	return "the filter " + f.Stage + " has such a rule"
}

// doneWith says what became of what was found.
func doneWith(f *audit.Finding) string {
	switch f.Action {
	case "redacted":
		return "the client got [REDACTED:" + f.Rule + "] in its place"
	case "blocked":
		return "the whole result was withheld, as the mode of the rule says"
	case "withheld":
		return "what it stood in was withheld"
	case "reported":
		return "nothing: it was passed on and recorded, as the mode of the rule says"
	case "excepted":
		return "nothing: it was passed on, since an exception covers it"
	case "revealed":
		return "it was made visible"
	case "marked":
		return "it was passed on, marked as text from outside"
	case "":
		return "nothing"
	}
	return f.Action
}
