package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"

	ostiary "github.com/ostiary/ostiary"
)

// maxSecret bounds a file that ${file:…} names.
const maxSecret = 64 << 10

// envValue reads the value of an environment variable. ${env:NAME} and
// ${file:PATH} are replaced once (what they give is not looked at again);
// "$${" stands for "${". Every replaced value is noted as a credential.
func envValue() kind[string] {
	const name = "a text"
	schema := map[string]any{"type": "string"}
	return scalar(name, schema, func(d *decoder, n ast.Node, out *string) {
		if s, ok := n.(*ast.StringNode); ok && s.Value == "" {
			return // NAME: "" sets an empty variable
		}
		s, ok := rawText(d, n, name)
		if !ok {
			return
		}
		*out = d.interpolate(n, s)
	})
}

func (d *decoder) interpolate(n ast.Node, s string) string {
	var b strings.Builder
	whole := d.pieces(n, s, func(text string) { b.WriteString(text) }, func(word string) error {
		value, err := d.lookup(n, word)
		if err == nil {
			d.noteInterpolated(word, value)
			b.WriteString(value)
		}
		return err
	})
	if !whole {
		return ""
	}
	return b.String()
}

// pieces splits a text at what stands in ${…}. It reports whether all of it could
// be read.
func (d *decoder) pieces(n ast.Node, s string, text func(string), word func(string) error) bool {
	for {
		i := strings.Index(s, "${")
		if i < 0 {
			text(s)
			return true
		}
		if i > 0 && s[i-1] == '$' {
			text(s[:i-1] + "${")
			s = s[i+2:]
			continue
		}
		text(s[:i])
		inside, rest, ok := cutWord(s[i+2:])
		if !ok {
			d.fail(n, "\"${\" without \"}\": write ${env:NAME} or ${file:PATH}, or $${ for the text ${")
			return false
		}
		err := word(inside)
		var e *ostiary.Error
		switch {
		case errors.As(err, &e):
			d.failCode(e.Code, nodePos(n), e.Message)
			return false
		case err != nil:
			d.fail(n, "%s", err)
			return false
		}
		s = rest
	}
}

// cutWord splits what stands behind "${" at its "}". The list of a command line may
// hold braces.
func cutWord(s string) (word, rest string, ok bool) {
	if list, isExec := strings.CutPrefix(s, "exec:["); isExec {
		list = "[" + list
		dec := json.NewDecoder(strings.NewReader(list))
		var command []string
		if dec.Decode(&command) == nil {
			at := int(dec.InputOffset())
			if left := strings.TrimLeft(list[at:], " "); strings.HasPrefix(left, "}") {
				return "exec:" + list[:at], left[1:], true
			}
		}
	}
	return strings.Cut(s, "}")
}

// lookup gives the value of what stands between the braces. Its errors name the
// variable or the file, never a value.
func (d *decoder) lookup(n ast.Node, word string) (string, error) {
	source, name, _ := strings.Cut(word, ":")
	switch source {
	case "env":
		if !envName.MatchString(name) {
			return "", fmt.Errorf("${env:…} needs the name of a variable")
		}
		if d.o.SkipSecrets {
			return "", nil
		}
		value, ok := d.o.lookupEnv(name)
		if !ok {
			return "", fmt.Errorf("the variable %s of ${env:%[1]s} is not set: set it for the program that starts ostiary, or use ${file:PATH}", name)
		}
		return value, nil
	case "file":
		if name == "" {
			return "", fmt.Errorf("${file:…} needs a path")
		}
		before := len(d.errs) + d.left
		path := d.absolute(n, name)
		if d.o.SkipSecrets || d.failed() > before {
			return "", nil
		}
		return readSecret(path)
	case "exec":
		return "", &ostiary.Error{
			Code:    ostiary.CodeConfigInvalid,
			Message: "${exec:…} is for the credential of a server over HTTP, which can change while the door is open; use ${file:PATH} or ${env:NAME} here",
		}
	}
	return "", fmt.Errorf("${…} is ${env:NAME} or ${file:PATH}; write $${ for the text ${")
}

// readSecret reads a small regular file and drops the line end behind its text.
func readSecret(path string) (string, error) {
	f, _, err := open(path)
	if errors.Is(err, errIrregular) {
		return "", fmt.Errorf("%s of ${file:…} is no regular file", path)
	}
	if err != nil {
		return "", fmt.Errorf("%s of ${file:…} cannot be read: %w", path, bare(err))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("%s of ${file:…} cannot be read: %w", path, bare(err))
	case len(data) > maxSecret:
		return "", fmt.Errorf("%s of ${file:…} has more than %s", path, showSize(maxSecret))
	case !utf8.Valid(data) || strings.ContainsRune(string(data), 0):
		return "", fmt.Errorf("%s of ${file:…} is no text", path)
	}
	return strings.TrimRight(string(data), "\r\n"), nil
}

// bare is the reason of a file error without the path that the message has already.
func bare(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
