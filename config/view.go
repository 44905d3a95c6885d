package config

import (
	"github.com/goccy/go-yaml/ast"

	ostiary "github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/policy"
)

// View is a part of an upstream with an endpoint of its own.
type View struct {
	Pos
	policy.View
}

func viewKind() kind[View] {
	name := func(what string) kind[[]string] {
		return list(text("a pattern of "+what+", in which * stands for anything"), false)
	}
	return placed(object("a view", nil, nil,
		key("tools", name("names of tools"), func(v *View) *[]string { return &v.Tools }, "The tools that it offers, by name, without the server's."),
		key("effects", list(effect(), false), func(v *View) *[]ostiary.Effect { return &v.Effects },
			"The effects whose tools it offers as well: what a rule or, without one, the tool's annotations make of a tool."),
		key("resources", name("URIs of resources"), func(v *View) *[]string { return &v.Resources }, "The resources that it offers. Default: none."),
		key("prompts", name("names of prompts"), func(v *View) *[]string { return &v.Prompts }, "The prompts that it offers. Default: none."),
	), func(v *View) *Pos { return &v.Pos })
}

func viewName(d *decoder, k ast.Node, v *View) { v.Name = d.plainName(k) }

// checkViews refuses views that can share something.
func checkViews(d *decoder, u *Upstream) {
	if len(u.Views) == 0 {
		return
	}
	rows := make([]policy.View, len(u.Views))
	for i, v := range u.Views {
		rows[i] = v.View
	}
	views, problems := policy.NewViews(u.Name, rows)
	for _, p := range problems {
		d.failAt(u.Views[p.At].Pos, "%s", p.Message)
	}
	u.views = views
}

// checkEndpoints refuses two endpoints of one name.
func checkEndpoints(d *decoder, f *File) {
	taken := map[string]bool{}
	for _, u := range f.Upstreams {
		taken[u.Name] = true
	}
	for _, u := range f.Upstreams {
		for _, v := range u.Views {
			if taken[v.Name] {
				d.failAt(v.Pos, "the name %q is that of another server or view: give the view a name of its own", v.Name)
			}
			taken[v.Name] = true
		}
	}
}

// Endpoint is what callers reach under one name: an upstream, or a view of one.
type Endpoint struct {
	Name     string
	Upstream *Upstream
	// View is the view's name and Views are all of the upstream; "" and nil where
	// it has none.
	View  string
	Views *policy.Views
}

// Endpoints are those of the file. An upstream with views is reached by them alone.
func (f *File) Endpoints() []Endpoint {
	var all []Endpoint
	for i := range f.Upstreams {
		u := &f.Upstreams[i]
		if len(u.Views) == 0 {
			all = append(all, Endpoint{Name: u.Name, Upstream: u})
		}
		for _, v := range u.Views {
			all = append(all, Endpoint{Name: v.Name, Upstream: u, View: v.Name, Views: u.views})
		}
	}
	return all
}

// AllViews are the views of an upstream; nil where it has none.
func (u *Upstream) AllViews() *policy.Views { return u.views }
