package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/config"
	"github.com/ostiary/ostiary/policy"
)

// views finds, in the servers that are offered in views, tools that no view has or
// two have, and credentials that open more than one view: then the views keep
// nothing apart.
func views(file *config.File, rules *policy.Policy, lists map[string][]ostiary.Tool, known []holder) []policy.Finding {
	var found []policy.Finding
	for i := range file.Upstreams {
		u := &file.Upstreams[i]
		tools, listed := lists[u.Name]
		if len(u.Views) == 0 || !listed {
			continue
		}
		at := fmt.Sprintf("%s:%d:%d", file.Path, u.Line, u.Col)
		add := func(at string, s policy.Severity, next, format string, args ...any) {
			found = append(found, policy.Finding{Source: at, Severity: s, Message: fmt.Sprintf(format, args...), Next: next})
		}
		book, _ := rules.Compile(u.Name, tools)
		in := map[string][]*ostiary.Rule{}
		var left []string
		for _, t := range tools {
			rule := book.Tool(t.Name)
			switch of := u.AllViews().Of(t.Name, rule); len(of) {
			case 0:
				left = append(left, t.Name)
			case 1:
				in[of[0]] = append(in[of[0]], rule)
			default:
				add(at, policy.SeverityError, "take it out of all but one of them", "the tool %s of %s is in the views %s, so it is closed", t.Name, u.Name, strings.Join(of, " and "))
			}
		}
		switch n := len(left); n {
		case 0:
		case 1:
			add(at, policy.SeverityWarning, "name it under the tools of a view, if it is to be reached", "no view of %s has the tool %s", u.Name, left[0])
		default:
			add(at, policy.SeverityWarning, "name those under the tools of a view that are to be reached", "no view of %s has the tools %s and %s", u.Name, strings.Join(left[:n-1], ", "), left[n-1])
		}
		opens := func(scopes []string) (names []string) {
			p := &ostiary.Principal{ID: "somebody", Scopes: scopes}
			for _, v := range u.Views {
				if slices.ContainsFunc(in[v.Name], func(r *ostiary.Rule) bool { return policy.Shown(r, p) }) {
					names = append(names, v.Name)
				}
			}
			return names
		}
		if all := opens(nil); len(all) > 1 {
			add(at, policy.SeverityWarning, "give the rules of each view a scope of their own", "whoever may call at all opens the views %s of %s, whose tools need no scope", strings.Join(all, " and "), u.Name)
			continue
		}
		for _, h := range known {
			if all := opens(h.scopes); len(all) > 1 {
				add(h.at, policy.SeverityWarning, "give it the scopes of one of them; who needs both has a credential for each", "%s opens the views %s of %s", h.what, strings.Join(all, " and "), u.Name)
			}
		}
	}
	return found
}

// mapped are what rows of claims give, beside what a token itself may bring.
func mapped(file *config.File) []holder {
	var all []holder
	for _, m := range file.Auth.Mapped() {
		all = append(all, holder{what: fmt.Sprintf("a token with %s=%s", m.Claim, m.Value), at: file.Path, scopes: file.Expand(m.Scopes)})
	}
	return all
}
