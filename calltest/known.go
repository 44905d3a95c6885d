package calltest

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/config"
	"github.com/ostiary/ostiary/freeze"
)

// condition checks that of a grant against the tools that are listed.
func (s *stage) condition(pattern, when string) error {
	tools, err := s.listed()
	if err != nil {
		return err
	}
	_, err = s.door.house.Policy.CheckCondition(pattern, when, tools)
	return err
}

func (s *stage) listed() (tools []ostiary.Tool, err error) {
	if s.tools == nil {
		return nil, nil
	}
	var list []struct {
		Name        string
		InputSchema json.RawMessage
	}
	if err := json.Unmarshal(expand(s.tools.data, s.names.work), &list); err != nil {
		return nil, fmt.Errorf("%s: %w", s.tools.name, err)
	}
	for _, t := range list {
		tools = append(tools, ostiary.Tool{Upstream: s.upstream, Name: t.Name, InputSchema: t.InputSchema})
	}
	return tools, nil
}

// slip finds a name that is not one of the case, and nearly is.
func (s *stage) slip(a *act) error {
	tools, err := s.listed()
	if err != nil {
		return err
	}
	known := map[string][]string{"principal": {s.c.principal, s.principal}, "upstream": s.upstreams, "session": {"case", s.session()}}
	for _, t := range tools {
		known["tool"] = append(known["tool"], t.Upstream+"/"+t.Name)
	}
	for _, p := range s.file.Principals {
		known["principal"] = append(known["principal"], p.Name)
	}
	for _, kind := range sortedKeys(known) {
		name := a.flags[kind]
		fits := func(one string) bool { return freeze.Scope{Tool: name}.Names(one) || name == one }
		if name == "" || slices.ContainsFunc(known[kind], fits) {
			continue
		}
		if near := config.Nearest(name, known[kind]); near != "" {
			return fmt.Errorf("the case has no %s %q: did you mean %q?", kind, name, near)
		}
	}
	return nil
}
