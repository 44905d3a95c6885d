package preview

import (
	"fmt"

	"github.com/ostiary/ostiary"
)

// failed is why a preview cannot be made. The message ends with the next step.
func failed(err error, format string, args ...any) error {
	return &ostiary.Error{
		Code:    ostiary.CodePreviewFailed,
		Message: "what this call would do cannot be shown to a person, so it was not run: " + fmt.Sprintf(format, args...),
		Err:     err,
	}
}

func invalid(format string, args ...any) error {
	return &ostiary.Error{Code: ostiary.CodeConfigInvalid, Message: "preview: " + fmt.Sprintf(format, args...)}
}

// argument is a top-level argument that must be a text.
func argument(c *ostiary.Call, name string) (string, error) {
	args, _ := c.Args.(map[string]any)
	v, there := args[name]
	s, ok := v.(string)
	switch {
	case ok:
		return s, nil
	case there:
		return "", failed(nil, "the argument %q is no text: send a text", name)
	}
	return "", failed(nil, "the argument %q is missing: send it", name)
}
