package main

import (
	"fmt"
	"runtime/debug"
)

// version is what the log and `ostiary version` say.
const version = "0.1.0-dev"

type versionCommand struct{}

func (versionCommand) Run(p program) error {
	revision := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = " " + s.Value
			}
		}
	}
	_, err := fmt.Fprintf(p.out, "ostiary %s%s\n", version, revision)
	return err
}
