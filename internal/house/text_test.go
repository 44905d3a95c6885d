package house

import (
	"bytes"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// buckets are folder names that say nothing about what is inside.
var buckets = []string{"pkg", "util", "utils", "common", "types", "helpers", "misc"}

// TestNoBuckets checks the names of folders.
func TestNoBuckets(t *testing.T) {
	seen := map[string]bool{}
	for _, file := range tracked(t) {
		for dir := path.Dir(file); dir != "." && !seen[dir]; dir = path.Dir(dir) {
			seen[dir] = true
			if slices.Contains(buckets, path.Base(dir)) {
				t.Errorf("%s: a folder is named after what it promises, not %q", dir, path.Base(dir))
			}
		}
	}
}

// machineWords are texts that belong to one machine or one workplace. They are put
// together here so that this file does not match itself.
var machineWords = []string{
	"/" + "work/main", "/" + "work/shared", "/" + "root/", "/" + "home/" + "runner",
	"registry." + "npmjs", "registry." + "yarnpkg", "npmmirror" + ".com",
	"proxy." + "golang", "goproxy" + ".", "sum." + "golang", "deb." + "debian", "\"resolved\"" + ":",
}

// TestNoMachine checks that no tracked file names a path of a machine or the host
// of a package registry.
func TestNoMachine(t *testing.T) {
	for _, file := range tracked(t) {
		b, err := os.ReadFile(filepath.Join(top(t), filepath.FromSlash(file)))
		if os.IsNotExist(err) {
			continue // deleted but not committed yet
		}
		if err != nil {
			t.Error(err)
			continue
		}
		for i, line := range bytes.Split(b, []byte("\n")) {
			if word := machineWord(string(line)); word != "" {
				t.Errorf("%s:%d names %q: nothing committed may depend on one machine or registry", file, i+1, word)
			}
		}
	}
}

// TestNoMachineSees breaks the rule on purpose.
func TestNoMachineSees(t *testing.T) {
	for _, word := range machineWords {
		if machineWord("before "+word+" behind") == "" {
			t.Errorf("%q is not found", word)
		}
	}
	if word := machineWord("see https://modelcontextprotocol.io and /etc/passwd"); word != "" {
		t.Errorf("found %q where there is none", word)
	}
}

func machineWord(line string) string {
	i := slices.IndexFunc(machineWords, func(w string) bool { return strings.Contains(line, w) })
	if i < 0 {
		return ""
	}
	return machineWords[i]
}
