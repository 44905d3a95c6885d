package main

import "github.com/alecthomas/kong"

// helpCommand says of a command what its flag --help says.
type helpCommand struct {
	Command []string `arg:"" optional:"" help:"The command, as in  key create; without one all are listed."`
}

// AfterApply looks for the command while the command line is read, so that one that
// is not there is a word that was not understood, as it is without help.
func (h helpCommand) AfterApply(app *kong.Kong) error {
	_, err := h.about(app)
	return err
}

// Run prints it.
func (h helpCommand) Run(app *kong.Kong) error {
	about, err := h.about(app)
	if err != nil {
		return err
	}
	return about.PrintUsage(false)
}

func (h helpCommand) about(app *kong.Kong) (*kong.Context, error) {
	about, err := kong.Trace(app, h.Command)
	if err != nil {
		return nil, err
	}
	return about, about.Error
}

// versionFlag is `ostiary version` for those who look for a flag.
type versionFlag bool

// BeforeReset prints before anything of the command line can be missing.
func (versionFlag) BeforeReset(app *kong.Kong) error {
	app.Exit(0)
	return versionCommand{}.Run(program{out: app.Stdout})
}
