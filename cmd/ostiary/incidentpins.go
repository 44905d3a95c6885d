package main

import (
	"context"
	"encoding/json"
	"iter"
	"maps"
	"strings"

	"github.com/ostiary/ostiary/pin"
)

// pinRows are what each server was accepted as and when, and what of it waits: those
// of one upstream, or all. Of a form that had something secret in it the digest is
// left out too: it has no salt, so who guesses could try.
func pinRows(ctx context.Context, d *pin.Desk, upstream, principal string, clean func(string) string) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		all, err := d.List(ctx, upstream)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, one := range all {
			one.Name = clean(one.Name)
			for _, forms := range [][]pin.Form{one.Accepted, one.Waiting} {
				for i := range forms {
					cleanForm(one.Kind, &forms[i], clean)
					if principal != "" && forms[i].Principal != principal {
						forms[i].Principal = ""
					}
				}
			}
			if !yield(one, nil) {
				return
			}
		}
	}
}

// cleanForm takes what is secret out of one form.
func cleanForm(k pin.Kind, f *pin.Form, clean func(string) string) {
	text := f.Text
	if k == pin.KindServer {
		text = withoutWords(text)
	}
	if text = clean(text); text != f.Text {
		f.Text, f.Digest = text, ""
	}
	f.Reason = clean(f.Reason)
	for i := range f.Findings {
		f.Findings[i] = clean(f.Findings[i])
	}
	for i := range f.Shadows {
		f.Shadows[i].Tool = clean(f.Shadows[i].Tool)
	}
}

// withoutWords is an identity without the digests of what may hold secrets: the words
// of a command and the query of a URL.
func withoutWords(text string) string {
	var v map[string]any
	if json.Unmarshal([]byte(text), &v) != nil {
		return ""
	}
	n := len(v)
	maps.DeleteFunc(v, func(name string, _ any) bool { return name == "words" || name == "query" })
	if len(v) == n {
		return text
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(v) != nil {
		return ""
	}
	return strings.TrimSuffix(b.String(), "\n")
}
