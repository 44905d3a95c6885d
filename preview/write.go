package preview

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"strings"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/ostiary/ostiary"
)

// maxRead is how much of a file is read, in bytes.
const maxRead = 4 << 20

// WriteOptions of Write.
type WriteOptions struct {
	// Path and Content are the names of the top-level arguments that hold the
	// file's path and its whole new content.
	Path, Content string
	// Root is the absolute directory below which files are shown; by default the
	// working directory.
	Root string
	// WorkingDir is the absolute directory from which relative paths start; by
	// default the root.
	WorkingDir string
	// Redact takes secrets out of a text about a call, contents of whole files
	// among them; nil shows them.
	Redact func(c *ostiary.Call, text string) string
}

// Write shows a written file as a unified difference. The Target is the path,
// whether there is a file, its mode and content; of a file of more than 4 MiB
// its size and time instead of its content. The function is used by many
// goroutines at once; its errors have CodePreviewFailed.
func Write(o WriteOptions) (func(context.Context, *ostiary.Call) (*ostiary.Preview, error), error) {
	if o.Path == "" || o.Content == "" {
		return nil, invalid("a write needs the names of the arguments for path and content")
	}
	p, err := newPlace(o.Root, o.WorkingDir)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, c *ostiary.Call) (*ostiary.Preview, error) {
		name, err := argument(c, o.Path)
		if err != nil {
			return nil, err
		}
		content, err := argument(c, o.Content)
		if err != nil {
			return nil, err
		}
		return p.write(ctx, name, []byte(content), hiding(o.Redact, c))
	}, nil
}

func (p place) write(ctx context.Context, name string, content []byte, h hide) (*ostiary.Preview, error) {
	root, rel, err := p.open(name)
	if err != nil {
		return nil, err
	}
	defer root.Close() //nolint:errcheck // only read from
	link, info, err := look(root, rel)
	if err != nil {
		return nil, err
	}
	target := newSum("write")
	target.text(p.root)
	target.text(rel)
	target.text(link)
	if info == nil {
		target.number(0)
		head := fmt.Sprintf("%s: a new file of %s", h.quoted(name), bytesOf(int64(len(content))))
		return &ostiary.Preview{Kind: "diff", Text: show(head, nil, content, h), Target: target.digest()}, nil
	}
	if !info.Mode().IsRegular() {
		return nil, failed(nil, "there is a directory or something else that is no regular file at this path: send the path of a file")
	}
	old, info, err := read(root, rel, maxRead+1)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, failed(err, "it was withdrawn: call again")
	}
	target.number(1)
	target.number(int64(info.Mode()))
	head := fmt.Sprintf("%s: a file of %s, mode %v, becomes one of %s",
		h.quoted(name), bytesOf(info.Size()), info.Mode(), bytesOf(int64(len(content))))
	if link != "" {
		head += "; the path is a symbolic link to " + h.quoted(link)
	}
	if len(old) > maxRead {
		target.file("", info)
		head += fmt.Sprintf("; it is too large to be compared (more than %d MiB), so only its size and time of change are watched", maxRead>>20)
		return &ostiary.Preview{Kind: "diff", Text: head + "\n" + summary("new", content), Target: target.digest()}, nil
	}
	was := sha256.Sum256(old)
	target.text(string(was[:]))
	return &ostiary.Preview{Kind: "diff", Text: show(head, old, content, h), Target: target.digest()}, nil
}

// show is the difference under its totals.
func show(head string, old, content []byte, h hide) string {
	switch {
	case bytes.Equal(old, content):
		return head + "; nothing changes\n"
	case len(content) > maxRead || isBinary(old) || isBinary(content):
		return head + "; they are binary or too large to be compared\n" + summary("old", old) + summary("new", content)
	}
	shownOld, shown := []byte(h(string(old))), []byte(h(string(content)))
	text := difference(shownOld, shown)
	added, removed := totals(text)
	secret := ""
	if !bytes.Equal(old, shownOld) || !bytes.Equal(content, shown) {
		secret = "; secrets are not shown"
		if allAdded, allRemoved := totals(difference(old, content)); allAdded != added || allRemoved != removed {
			secret += fmt.Sprintf(", with them it is %d added, %d removed", allAdded, allRemoved)
		}
	}
	page := &page{}
	for line := range strings.Lines(text) {
		page.line(strings.TrimSuffix(line, "\n"))
	}
	return fmt.Sprintf("%s; %s added, %d removed%s\n%s", head, count(added, "line", "lines"), removed, secret, page)
}

// difference is a unified difference without the line of the command.
func difference(old, content []byte) string {
	_, text, _ := strings.Cut(string(diff.Diff("before", old, "after", content)), "\n")
	return text
}

// totals counts the lines that a difference adds and removes.
func totals(text string) (added, removed int64) {
	body := false
	for line := range strings.Lines(text) {
		switch {
		case strings.HasPrefix(line, "@@"):
			body = true
		case body && strings.HasPrefix(line, "+"):
			added++
		case body && strings.HasPrefix(line, "-"):
			removed++
		}
	}
	return added, removed
}

func summary(which string, data []byte) string {
	return fmt.Sprintf("%s: %s, SHA-256 %x\n", which, bytesOf(int64(len(data))), sha256.Sum256(data))
}

func isBinary(data []byte) bool { return bytes.IndexByte(data, 0) >= 0 || !utf8.Valid(data) }

// kindOf names what an entry of a directory is.
func kindOf(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "directory"
	case m.IsRegular():
		return "file"
	case m&fs.ModeSymlink != 0:
		return "symbolic link"
	}
	return "special file"
}
