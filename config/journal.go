package config

import "github.com/ostiary/ostiary/audit"

// OpenAudit opens a log of its own for this process in the state directory, with
// what the file says about secrets and evidence, as [File.Build] does. It is for
// programs that change something beside the calls and must note it first; they
// close it. Of the wiring, State, Version, Log, Now and Rand are used.
func (f *File) OpenAudit(w Wiring) (*audit.Log, error) {
	m, err := f.newMasks(w)
	if err != nil {
		return nil, err
	}
	return f.openAudit(w, m)
}
