package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/config"
	"github.com/ostiary/ostiary/grant"
	"github.com/ostiary/ostiary/policy"
)

// grantCommand gives and takes back capabilities.
type grantCommand struct {
	Create grantCreateCommand `cmd:"" help:"Let a principal call some tools without being asked, for some minutes and uses."`
	List   grantListCommand   `cmd:"" help:"Show the grants that are live."`
	Show   grantShowCommand   `cmd:"" help:"Show everything about one grant."`
	Revoke grantRevokeCommand `cmd:"" help:"Take back a grant, or all of a principal, with everything that is a part of it."`
}

// grants is the desk of a state directory.
type grants struct {
	*grant.Desk
	d     *desk
	rules *policy.Policy
	// tools are those of the kept lists.
	tools []ostiary.Tool
}

// openGrants reads the kept lists of tools if conditions are to be checked.
func openGrants(d *desk, conditions bool) (*grants, error) {
	g := &grants{d: d}
	o := grant.DeskOptions{Store: d.Store, Journal: d.Journal, Clock: d.Clock, Rand: rand.Reader}
	if conditions {
		lists, err := keptCatalogs(d.State)
		if err != nil {
			return nil, err
		}
		for _, c := range lists {
			for _, t := range c.tools {
				t.Upstream = c.upstream
				g.tools = append(g.tools, t)
			}
		}
		if g.rules, err = policy.New(policy.Options{}); err != nil {
			return nil, err
		}
		o.Check = func(pattern, when string) error {
			_, err := g.rules.CheckCondition(pattern, when, g.tools)
			return err
		}
	}
	g.Desk = grant.NewDesk(o)
	return g, nil
}

func (g *grants) who() grant.Who { return grant.Who{Name: g.d.Who.Name, Channel: g.d.Who.Channel} }

// grantReport is a grant in --json.
type grantReport struct {
	grant.Grant
	// State is live, expired, used or revoked.
	State string `json:"state"`
	// Secret is the token; it is there only when it was made.
	Secret string `json:"secret,omitempty"`
}

func (g *grants) report(one grant.Grant) grantReport {
	return grantReport{Grant: one, State: one.State(g.d.Clock())}
}

// about writes what a person wants to know of a grant.
func (p program) about(one *grant.Grant, now time.Time) string {
	var b strings.Builder
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(&b, "  %-8s %s\n", name, visible(text))
		}
	}
	session := "in any session"
	if one.Session != "" {
		session = "in the session " + one.Session
	}
	line("who", one.Principal+", "+session)
	line("what", one.Pattern)
	line("when", one.When)
	line("part of", one.Parent)
	line("until", untilWhen(one, now, p.style().zone))
	line("uses", usesLeft(one))
	if one.Token {
		line("how", "by its token, digest "+one.Digest)
	}
	line("reason", one.Reason)
	line("given by", one.By+", "+one.Channel+", at "+one.Created.In(p.style().zone).Format(timeLayout))
	if !one.Revoked.IsZero() {
		line("revoked", "by "+one.RevokedBy+" at "+one.Revoked.In(p.style().zone).Format(timeLayout)+": "+one.RevokedWhy)
	}
	return b.String()
}

func untilWhen(one *grant.Grant, now time.Time, zone *time.Location) string {
	at := one.Expires.In(zone).Format("2006-01-02 15:04:05-07:00")
	if left := one.Expires.Sub(now); left > 0 {
		return at + ", in " + left.Round(time.Second).String()
	}
	return at + ", which is over"
}

func usesLeft(one *grant.Grant) string {
	if one.Uses == 0 {
		return fmt.Sprintf("any number within its life; %d so far", one.Used)
	}
	return fmt.Sprintf("%d of %d left", one.Left(), one.Uses)
}

// known says what speaks against a name being a principal, or "".
func known(file *config.File, name string, user func(string) bool) string {
	var names []string
	for _, p := range file.Principals {
		if p.Name == name {
			return ""
		}
		names = append(names, p.Name)
	}
	if user(name) {
		if len(names) > 0 {
			return fmt.Sprintf("%q is a user of this system and no principal of %s, where users are nobody unless principals: names them", name, file.Path)
		}
		return ""
	}
	next := ""
	if near := config.Nearest(name, names); near != "" {
		next = fmt.Sprintf("; did you mean %q?", near)
	} else if file.Path == "" {
		next = "; name the policy file with --config if it stands there"
	}
	return fmt.Sprintf("%q is neither a user of this system nor a principal of a policy file, so the grant counts for nobody yet%s", name, next)
}

func closing(err error, d *desk) error { return errors.Join(err, d.Close()) }
