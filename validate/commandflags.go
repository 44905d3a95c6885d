package validate

import "strings"

// isInterpreter reports whether a program's arguments are programs themselves,
// or whether it runs what its arguments name. Version numbers do not count:
// python3.12 is python.
func isInterpreter(name string) bool {
	switch name { // where the digits are the name
	case "i386", "linux32", "linux64", "x86_64", "uname26", "m4", "run-parts", "su-exec", "dbus-run-session", "dumb-init":
		return true
	}
	name, _, _ = strings.Cut(name, "-")
	switch strings.TrimRight(name, "0123456789.") {
	case "sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "fish", "csh", "tcsh", "rbash", "pwsh", "powershell", "cmd.exe", "nu", "elvish",
		"python", "pypy", "perl", "ruby", "irb", "node", "nodejs", "deno", "bun", "php", "lua", "luajit", "tclsh", "wish", "expect",
		"osascript", "Rscript", "R", "julia", "guile", "racket", "groovy", "jshell", "java", "scala", "ghci", "swift", "qjs",
		"awk", "gawk", "mawk", "nawk", "sed", "gsed", "jshn", "bc", "dc",
		"env", "sudo", "doas", "su", "runuser", "setpriv", "pkexec", "xargs", "parallel", "nohup", "nice", "ionice", "timeout", "setsid",
		"stdbuf", "time", "watch", "script", "unbuffer", "flock", "chroot", "unshare", "nsenter", "capsh", "prlimit", "taskset", "numactl",
		"systemd", "at", "batch", "crontab", "start", "strace", "ltrace", "gdb", "lldb", "perf", "valgrind", "ld.so", "ld",
		"ssh", "docker", "podman", "nerdctl", "kubectl", "lxc", "bwrap", "firejail", "busybox", "toybox", "coreutils",
		"npx", "npm", "pnpm", "yarn", "uvx", "uv", "pipx", "make", "gmake", "ninja", "cmake", "just", "go", "cargo",
		"vi", "vim", "nvim", "view", "ex", "ed", "emacs", "nano", "less", "more", "man", "tmux", "screen", "socat", "nc", "ncat", "netcat",
		"sqlite", "psql", "mysql", "mariadb", "duckdb", "redis", "mongosh", "pip", "apt", "dpkg", "debconf", "yum", "dnf", "rpm", "apk", "brew", "gem", "bundle", "composer", "corepack",
		"gcc", "g++", "cc", "c++", "clang", "clang++", "tcc", "rustc", "tar", "bsdtar", "gtar", "zip", "rsync", "scp", "sftp", "tee", "dd", "install",
		"setarch", "chrt", "choom", "rview", "rvim", "vimdiff", "rnano", "pico", "rungetty",
		"gosu", "tini", "faketime", "fakeroot", "proot", "chpst", "softlimit", "entr":
		return true
	}
	return false
}

// isMultiCall reports whether a program acts by the name it is called with, so
// that a link named ls to it is ls and nothing else.
func isMultiCall(name string) bool {
	return name == "busybox" || name == "toybox" || name == "coreutils"
}

// runsProgram reports whether a flag's value is a program in every program that
// knows the flag.
func runsProgram(flag string) bool {
	switch flag {
	case "-exec", "-execdir", "-ok", "-okdir", "--exec", "--upload-pack", "--receive-pack", "--to-command", "--checkpoint-action",
		"--use-compress-program", "--rsh", "--rsync-path", "--pre", "--eval", "--exec-path":
		return true
	}
	return false
}

// isDangerousFlag reports whether a refused flag is one that runs programs or
// reads files, so that the refusal can say so. It allows nothing.
func isDangerousFlag(arg string) bool {
	name, _, _ := strings.Cut(arg, "=")
	if runsProgram(name) {
		return true
	}
	switch name {
	case "--config", "--config-file", "--rcfile", "--init-file", "--init-command", "--file", "--from-file", "--files-from",
		"--include", "--require", "--import", "--load", "--plugin", "--output", "--ext-diff", "--textconv", "--hostname-bin",
		"--git-dir", "--work-tree", "--netrc-file", "--proxy-command", "--command", "--upload-file", "--use-askpass",
		"-c", "-e", "-f", "-F", "-i", "-K", "-o", "-O", "-r", "-T", "-u", "-delete", "-fprintf", "-fprint", "-fls":
		return true
	}
	// Short flags with their value attached: -oProxyCommand=…, -cKEY=….
	return len(arg) > 2 && arg[1] != '-' && strings.ContainsRune("cefFiKoOTu", rune(arg[1]))
}
