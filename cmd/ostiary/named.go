package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/config"
)

// speaksOf refuses a name of which the file says nothing although it speaks of
// servers: a policy that was written for another name would silently not apply.
func speaksOf(file *config.File, name string) error {
	var names []string
	for _, u := range file.Upstreams {
		names = append(names, u.Name)
	}
	for _, r := range file.Rules {
		upstream, _, _ := strings.Cut(r.Pattern, "/")
		if strings.Contains(upstream, "*") {
			return nil // it may mean any server
		}
		names = append(names, upstream)
	}
	if len(names) == 0 || slices.Contains(names, name) {
		return nil
	}
	for _, u := range file.Upstreams {
		if len(u.Views) > 0 { // it is not offered whole
			names = slices.DeleteFunc(names, func(n string) bool { return n == u.Name })
		}
		for _, v := range u.Views {
			names = append(names, v.Name)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	next := "name the server with --name, one of: " + strings.Join(names, ", ")
	if near := config.Nearest(name, names); near != "" {
		next = fmt.Sprintf("did you mean --name %s?", near)
	} else if len(names) == 1 {
		next = "to use what it says write --name " + names[0]
	}
	return &ostiary.Error{Code: ostiary.CodeConfigInvalid,
		Message: fmt.Sprintf("%s says nothing about a server called %q, so none of it would apply: %s", file.Path, name, next)}
}

// notAFlag refuses a word that was meant as a flag of ours and would be started
// as a program.
func notAFlag(command []string) error {
	if len(command) == 0 || !strings.HasPrefix(command[0], "-") {
		return nil
	}
	flags := []string{"--config", "--name", "--state", "--verbose", "--help"}
	word, _, _ := strings.Cut(command[0], "=")
	next := "`ostiary run --help` lists the flags"
	if near := config.Nearest(word, flags); near != "" {
		next = "did you mean " + near + "?"
	}
	return &ostiary.Error{Code: ostiary.CodeConfigInvalid,
		Message: fmt.Sprintf("%q is no flag of run and no program: %s; the server's command stands behind --", word, next)}
}
