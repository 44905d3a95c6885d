package validate

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode"

	ostiary "github.com/ostiary/ostiary"
)

// protectedNames are files and directories that another program trusts later:
// what is written there runs, or says what runs. Each stands for itself and for
// everything below it, at any depth, whatever the case of its letters. They are
// refused for every effect but read.
var protectedNames = [...]string{
	// Git runs hooks and what its configuration names.
	".git", "git~1", ".gitmodules", ".gitconfig", ".config/git", ".githooks", ".husky",
	// Programs that the agent's own client, an editor or a build service starts.
	".mcp.json", "mcp.json", "claude_desktop_config.json", ".claude", ".claude.json", ".cursor", ".codex", ".gemini",
	".windsurf", ".continue", ".vscode", ".idea", ".zed", ".devcontainer", ".devcontainer.json",
	".github/workflows", ".gitlab-ci.yml", ".circleci",
	// Files that a shell or a login reads.
	".bashrc", ".bash_profile", ".bash_login", ".bash_logout", ".bash_aliases", ".profile", ".inputrc",
	".zshrc", ".zshenv", ".zprofile", ".zlogin", ".zlogout", ".kshrc", ".cshrc", ".tcshrc", ".login",
	".config/fish", ".config/autostart", ".config/systemd", ".config/environment.d", ".pam_environment",
	".envrc", ".direnvrc", ".xinitrc", ".xprofile", ".xsession", "crontabs", "cron.d", "LaunchAgents", "LaunchDaemons",
	// Keys, and files that say where packages and passwords come from.
	".ssh", ".gnupg", ".netrc", "_netrc", ".npmrc", ".yarnrc", ".yarnrc.yml", ".pypirc", ".config/pip", ".pip",
	".aws", ".kube", ".docker", ".git-credentials", ".vimrc", ".exrc", ".emacs", ".emacs.d", ".config/nvim",
}

// protected knows which names are refused.
type protected struct {
	names [][]string // folded components
	own   []string   // absolute names of Ostiary's own files, folded
	files []string   // the same as given, to compare identities
}

func newProtected(p *Path, o Options) (*protected, error) {
	pr := &protected{}
	if !p.AllowProtected {
		for _, n := range protectedNames {
			pr.names = append(pr.names, foldAll(n))
		}
	}
	for _, n := range p.Protected {
		n = strings.Trim(n, "/")
		if n == "" || path.Clean(n) != n || n == "." || strings.HasPrefix(n, "..") {
			return nil, fmt.Errorf("protected: %q is not a name such as \"deploy.key\" or \"ci/release.yaml\"", n)
		}
		pr.names = append(pr.names, foldAll(n))
	}
	if p.Lexical {
		return pr, nil // another file system: ours are not there
	}
	for _, f := range o.Protect {
		if !path.IsAbs(f) {
			return nil, fmt.Errorf("the protected file %q is not absolute", f)
		}
		f = path.Clean(f)
		pr.files = append(pr.files, f)
		pr.own = append(pr.own, strings.Join(foldAll(f), "/"))
		if resolved, err := filepath.EvalSymlinks(f); err == nil && resolved != f {
			pr.own = append(pr.own, strings.Join(foldAll(resolved), "/"))
		}
	}
	return pr, nil
}

// check refuses a protected name. rel is below the root, abs the same in full
// ("" if lexical), info what stands there (nil if nothing).
func (p *protected) check(rel, abs string, info os.FileInfo, effect ostiary.Effect) error {
	if abs != "" && len(p.own) > 0 {
		if err := p.checkOwn(abs, info, effect); err != nil {
			return err
		}
	}
	if effect == ostiary.EffectRead || rel == "." {
		return nil
	}
	parts := strings.Split(rel, "/")
	for i := range parts {
		parts[i] = fold(parts[i])
	}
	for _, name := range p.names {
		for i := range parts {
			n := common(parts[i:], name)
			if n == len(name) {
				return pathError("%s is a protected name, because another program trusts what is written there: "+
					"only reading it is allowed; ask a person to make this change", clip(strings.Join(name, "/"), 60))
			}
			if n == len(parts)-i && info != nil {
				return pathError("it holds the protected name %s: only reading it is allowed; change the files below it one by one",
					clip(strings.Join(name, "/"), 60))
			}
		}
	}
	return nil
}

func (p *protected) checkOwn(abs string, info os.FileInfo, effect ostiary.Effect) error {
	const msg = "the path belongs to Ostiary itself (configuration, state or keys), and no tool may name it: use another path"
	name := strings.Join(foldAll(abs), "/")
	for _, own := range p.own {
		if within(name, own) {
			return pathError(msg)
		}
		if effect != ostiary.EffectRead && within(own, name) {
			return pathError("the path holds files of Ostiary itself (configuration, state or keys): only reading it is allowed")
		}
	}
	// A hard link is the same file under another name.
	if info == nil || !linked(info) {
		return nil
	}
	for _, f := range p.files {
		same := false
		err := filepath.WalkDir(f, func(_ string, d os.DirEntry, err error) error {
			switch {
			case errors.Is(err, fs.ErrNotExist): // gone meanwhile
				return nil
			case err != nil:
				return err
			case d.IsDir():
				return nil
			}
			if i, err := d.Info(); err == nil && os.SameFile(i, info) {
				same = true
				return filepath.SkipAll
			}
			return nil
		})
		if err != nil || same {
			return pathError(msg)
		}
	}
	return nil
}

// within reports whether name is dir or below it; both are folded.
func within(name, dir string) bool {
	rest, ok := strings.CutPrefix(name, dir)
	return ok && (rest == "" || rest[0] == '/' || strings.HasSuffix(dir, "/"))
}

// common counts how many components two lists begin with in common.
func common(a, b []string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

func foldAll(name string) []string {
	parts := strings.Split(strings.Trim(name, "/"), "/")
	for i := range parts {
		parts[i] = fold(parts[i])
	}
	return parts
}

// fold makes equal what some file system takes for equal: letters that differ
// by case (Unicode simple folding), characters that HFS+ ignores, and on NTFS
// dots and spaces at the end and the name of a stream behind a colon. Unicode
// normal forms are not folded; no name of the built-in list needs it.
func fold(s string) string {
	plain := true
	for i := 0; i < len(s) && plain; i++ {
		c := s[i]
		plain = c < 0x80 && c != ':' && (c < 'A' || c > 'Z')
	}
	if !plain {
		s = strings.Map(func(r rune) rune {
			if unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Variation_Selector, r) {
				return -1
			}
			least := r
			for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
				least = min(least, f)
			}
			return unicode.ToLower(least)
		}, s)
		if before, _, ok := strings.Cut(s, ":"); ok && before != "" {
			s = before
		}
	}
	return strings.TrimRight(s, ". ")
}
