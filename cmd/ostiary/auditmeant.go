package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/config"
)

// selector is one flag by which records are chosen, and what a record has there.
type selector struct {
	name, value string
	of          func(*audit.Record) string
}

// selectors are those flags of a filter that are set.
func selectors(f audit.Filter) []selector {
	return slices.DeleteFunc([]selector{
		{"--principal", f.Principal, func(r *audit.Record) string { return r.Principal }},
		{"--upstream", f.Upstream, func(r *audit.Record) string { return r.Upstream }},
		{"--code", f.Code, func(r *audit.Record) string { return r.Code }},
		{"--session", f.Session, func(r *audit.Record) string { return r.Session }},
		{"--tool", f.Tool, func(r *audit.Record) string {
			if r.Target != "" && r.Upstream != "" && strings.Contains(f.Tool, "/") {
				return r.Upstream + "/" + r.Target
			}
			return r.Target
		}},
	}, func(s selector) bool { return s.value == "" })
}

// known are the values of a selector among records, sorted.
func (s selector) known(among []audit.Found) (known []string) {
	for i := range among {
		if v := s.of(&among[i].Record); v != "" && !slices.Contains(known, v) {
			known = append(known, v)
		}
	}
	slices.Sort(known)
	return known
}

// newest are the newest records of a time, to say what there is to choose from. The
// search itself has succeeded; this is only a help, so that an error leaves it out.
func newest(ctx context.Context, dir string, of audit.Filter) []audit.Found {
	of.Limit = 1000
	found, err := audit.Query(ctx, dir, of)
	if err != nil {
		return nil
	}
	return found
}

// meant looks among records for values near to those that were asked for, and
// returns the flags to try instead.
func meant(f audit.Filter, among []audit.Found) string {
	var try []string
	for _, s := range selectors(f) {
		if near := config.Nearest(s.value, s.known(among)); near != "" && near != s.value {
			try = append(try, s.name+" "+visible(near))
		}
	}
	return strings.Join(try, " ")
}

// nothingPacked says of an archive without a record why it has none, and what there
// is to choose from in the time that was asked for.
func nothingPacked(ctx context.Context, dir, again string, f audit.Filter) string {
	among := newest(ctx, dir, audit.Filter{Since: f.Since, Until: f.Until})
	if len(among) == 0 {
		return fmt.Sprintf("the archive holds no record: there is none of that time; `ostiary audit tail%s` shows the newest", again)
	}
	text := "the archive holds no record: none of that time matches"
	var there []string
	for _, s := range selectors(f) {
		text += " " + s.name + " " + visible(s.value)
		there = append(there, s.name+" "+orNone(visible(firstOf(s.known(among)))))
	}
	if near := meant(f, among); near != "" {
		return text + "; did you mean " + near + "?"
	}
	return text + "; there are " + strings.Join(there, "; ")
}
