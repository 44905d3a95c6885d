package main

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/ostiary/ostiary/auth"
	"github.com/ostiary/ostiary/config"
)

// policy loads the file as the door does, and looks at where it lies.
func (x *examination) policy(name string) {
	file, err := loadConfig(name)
	if err != nil {
		x.wrong("policy", err)
		return
	}
	x.file = file
	if name == "" {
		x.say("policy", isWarn, "name the door's policy file with --config; `ostiary policy init` writes a first one",
			"no policy file was named: the careful defaults hold, honest reads pass and everything else asks")
		return
	}
	if err := config.Placement(file, nil); err != nil {
		x.wrong("policy", err)
	} else {
		x.say("policy", isFine, besideIt(file), "%s loads, nobody else can write it, and it lies in no directory that its rules or servers name", file.Path)
	}
	x.checkpoints()
	for i := range file.Upstreams {
		x.server(&file.Upstreams[i])
	}
}

// besideIt is what to do where a server starts in the directory of the file because
// nothing else is written: a relative path of its tools then leads there.
func besideIt(file *config.File) string {
	var names []string
	for i := range file.Upstreams {
		if u := &file.Upstreams[i]; len(u.Command) > 0 && u.Cwd == "" {
			names = append(names, u.Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "write a cwd: for " + strings.Join(names, ", ") + ": without one a server starts in the directory of this file"
}

func (x *examination) checkpoints() {
	const next = "name a file on another machine's disk, syslog: or an https: URL in audit.checkpoint_to"
	if len(x.file.Audit.CheckpointTo) == 0 {
		x.say("checkpoints", isWarn, next, "signed checkpoints are kept nowhere else, so nobody notices if the log is cut off or rolled back by someone with the key")
		return
	}
	for _, to := range x.file.Audit.CheckpointTo {
		if !filepath.IsAbs(to) {
			continue
		}
		if rel, err := filepath.Rel(x.State, to); err == nil && rel != ".." && !strings.HasPrefix(rel, "../") {
			x.say("checkpoints", isWarn, next, "%s lies in the state directory itself: whoever rolls that back takes it along", to)
			return
		}
	}
	x.say("checkpoints", isFine, "", "signed checkpoints go to %d other place(s) too; on a disk that you can write as this user they prove less than elsewhere", len(x.file.Audit.CheckpointTo))
}

// server looks for the program of a server as the door does.
func (x *examination) server(u *config.Upstream) {
	check := "server"
	if u.URL != "" {
		x.say(check, isFine, "", "%s: at its url, which is not called here", u.Name)
		return
	}
	if len(u.Command) == 0 {
		x.say(check, isFine, "", "%s: the command line gives its command", u.Name)
		return
	}
	dir := cmp.Or(u.Cwd, x.file.Dir)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		x.say(check, isWrong, "make it, or correct upstreams."+u.Name+".cwd", "%s: its working directory %s is not there", u.Name, dir)
		return
	}
	found, err := findProgram(dir, u.Command[0])
	script := missingScript(dir, u.Command[1:])
	switch {
	case err == nil && script != "":
		x.say(check, isWrong, "install it, or correct upstreams."+u.Name+".command", "%s: %s is there, and %s, which it is to run, is not", u.Name, u.Command[0], script)
	case err != nil:
		x.say(check, isWrong, "install it, or correct upstreams."+u.Name+".command", "%s: its program %s cannot be found or run", u.Name, u.Command[0])
	case !filepath.IsAbs(u.Command[0]):
		x.say(check, isFine, "write it with its full path, so that PATH does not decide", "%s: %s is %s here", u.Name, u.Command[0], found)
	default:
		x.say(check, isFine, "", "%s: %s", u.Name, found)
	}
}

// findProgram is where a program lies that is started in a directory.
func findProgram(dir, program string) (string, error) {
	if strings.Contains(program, "/") && !filepath.IsAbs(program) {
		program = filepath.Join(dir, program)
	}
	return exec.LookPath(program)
}

// missingProgram returns what of a command is not there: its program, or the script
// that this is given; "" if nothing is missing.
func missingProgram(dir string, command []string) string {
	if _, err := findProgram(dir, command[0]); err != nil {
		return command[0]
	}
	return missingScript(dir, command[1:])
}

// missingScript returns the script that an interpreter is given and that is not
// there, "" otherwise.
func missingScript(dir string, args []string) string {
	for _, arg := range args {
		switch filepath.Ext(arg) {
		case ".js", ".cjs", ".mjs", ".ts", ".py":
			path := arg
			if !filepath.IsAbs(path) {
				path = filepath.Join(dir, path)
			}
			if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
				return arg
			}
			return ""
		}
	}
	return ""
}

// who is the principal of a door that is started by this user.
func (x *examination) who() {
	if x.file == nil {
		return // the policy says who, and it does not load
	}
	who, _, err := auth.Stdio(principals(x.file), "/proc")
	if err != nil {
		x.wrong("principal", err)
		return
	}
	peer, err := auth.OSPeer("/proc")
	if err != nil {
		x.wrong("principal", err)
		return
	}
	x.say("principal", isFine, "", "calls of the user %s are those of %s (scopes: %s)", peer.User, who.ID, orNone(strings.Join(who.Scopes, ", ")))
}
