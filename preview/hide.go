package preview

import "github.com/ostiary/ostiary"

// hide takes secrets out of a text. That happens before anything is cut or
// compared: what is left of a secret then is no secret to whoever looks for one.
type hide func(string) string

// hiding is what hides the secrets of one call; without a function nothing does.
func hiding(redact func(*ostiary.Call, string) string, c *ostiary.Call) hide {
	if redact == nil {
		return func(s string) string { return s }
	}
	return func(s string) string { return redact(c, s) }
}

func (h hide) quoted(name string) string { return quoted(h(name)) }

func (h hide) all(list []string) []string {
	shown := make([]string, len(list))
	for i, s := range list {
		shown[i] = h(s)
	}
	return shown
}
