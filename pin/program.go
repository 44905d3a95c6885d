package pin

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// fileMost is how much of one file is hashed; what is larger is known by its size too.
const fileMost = 1 << 30

// interpreters run a script that they are given; they are tools of the system,
// known by their path alone.
var interpreters = regexp.MustCompile(`^(node|nodejs|bun|deno|python[0-9.]*|pypy[0-9.]*|ruby|perl|php|java)$`)

// fetchers run a package that their first word names, wherever they find it.
var fetchers = []string{"npx", "bunx", "uvx", "pnpx"}

// runners run what their words say, all of which count.
var runners = []string{
	"sh", "bash", "dash", "zsh", "fish", "env", "sudo", "doas", "nice", "nohup", "setsid", "timeout", "xargs", "make", "ssh",
	"docker", "podman", "nerdctl", "nix", "nix-shell", "mise", "asdf", "direnv", "uv", "pipx", "poetry", "rye", "hatch", "conda", "mamba",
	"npm", "pnpm", "yarn", "go", "cargo", "dotnet", "systemd-run", "firejail", "bwrap", "flatpak", "snap", "wsl", "cmd", "powershell", "pwsh",
}

// Program is the identity of a server that is started: the program by its resolved
// path and the digest of its file, and of an interpreter the script and its package
// in place of the file. The words behind them are the operator's settings, such as a
// directory, and do not count, but for programs that run what their words say. dir is
// the directory it starts in; name is the command of the operating system's search
// path, as exec.LookPath finds it. A file that cannot be read counts as unreadable.
func Program(command []string, dir string) Identity {
	if len(command) == 0 {
		return Identity{}
	}
	path, base := resolve(command[0], dir), strings.TrimSuffix(filepath.Base(command[0]), ".exe")
	v := map[string]any{"program": path}
	words := command[1:]
	switch {
	case interpreters.MatchString(base):
		script, at := scriptOf(base, words)
		if script == "" {
			v["words"] = digestOf(words)
			break
		}
		file := script
		if !filepath.IsAbs(file) {
			file = filepath.Join(dir, file)
		}
		if real, err := filepath.EvalSymlinks(file); err == nil {
			file = real
		}
		v["script"], v["file"] = file, fileDigest(file)
		if at > 0 { // what the interpreter is told to load before the script
			v["words"] = digestOf(words[:at])
		}
		packageOf(v, file)
	case slices.Contains(fetchers, base):
		i := slices.IndexFunc(words, func(w string) bool { return !strings.HasPrefix(w, "-") })
		if i < 0 {
			i = len(words) - 1
		}
		v["fetches"] = append([]string{}, words[:i+1]...)
		if i >= 0 {
			localPackage(v, dir, words[i])
		}
	case slices.Contains(runners, base):
		v["file"], v["words"] = fileDigest(path), digestOf(words)
	default:
		v["file"] = fileDigest(path)
		packageOf(v, path)
	}
	return identity(v)
}

func resolve(name, dir string) string {
	path := name
	switch {
	case filepath.IsAbs(name):
	case strings.ContainsRune(name, filepath.Separator):
		path = filepath.Join(dir, name)
	default:
		if found, err := exec.LookPath(name); err == nil {
			path = found
		}
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}

// scriptOf is the first word that is no option, and its place. Options whose value
// is the next word, and those that are code themselves, leave no script: then all
// words count.
func scriptOf(base string, words []string) (string, int) {
	for i, w := range words {
		switch {
		case !strings.HasPrefix(w, "-"):
			if base == "deno" || base == "bun" || base == "java" {
				return "", 0 // subcommands and class names
			}
			return w, i
		case strings.HasPrefix(w, "--") && strings.Contains(w, "="), w == "-u", w == "-B", w == "-I", w == "-s", w == "-E":
		default:
			return "", 0
		}
	}
	return "", 0
}

// digestOf keeps words, which may hold secrets, as a digest; each by itself, so that
// their number shows.
func digestOf(words []string) []string {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = sum([]byte(w))
	}
	return all
}

func fileDigest(path string) string {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return "unreadable"
	}
	f, err := os.Open(path) //nolint:gosec // the operator's own command
	if err != nil {
		return "unreadable"
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, io.LimitReader(f, fileMost)); err != nil {
		return "unreadable"
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// packageOf adds the package.json that a file belongs to, the nearest above it
// inside its node_modules or its project.
func packageOf(v map[string]any, file string) {
	switch filepath.Ext(file) {
	case ".js", ".mjs", ".cjs", ".ts", "":
	default:
		return
	}
	dir := filepath.Dir(file)
	for range 4 {
		manifest := filepath.Join(dir, "package.json")
		if _, err := os.Stat(manifest); err == nil {
			v["package"] = fileDigest(manifest)
			return
		}
		if filepath.Base(dir) == "node_modules" || filepath.Dir(dir) == dir {
			return
		}
		dir = filepath.Dir(dir)
	}
}

// localPackage adds the manifest of a package that a project has installed. One that
// is fetched first would only be there at the second start.
func localPackage(v map[string]any, dir, name string) {
	if at := strings.LastIndexByte(name, '@'); at > 0 {
		name = name[:at]
	}
	if name == "" || strings.Contains(name, "..") || filepath.IsAbs(name) {
		return
	}
	for range 16 {
		manifest := filepath.Join(dir, "node_modules", filepath.FromSlash(name), "package.json")
		if _, err := os.Stat(manifest); err == nil {
			v["package"] = fileDigest(manifest)
			return
		}
		if filepath.Dir(dir) == dir {
			return
		}
		dir = filepath.Dir(dir)
	}
}
