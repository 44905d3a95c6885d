package main

import "regexp"

// fenced is the mark of text from outside, as package untrusted writes it.
var fenced = regexp.MustCompile(`(?s)<untrusted id="[A-Z2-7]+" [^>]*>\n[^\n]*\n\n(.*?)\n</untrusted id="[A-Z2-7]+">`)

// unmarked is a text as the server wrote it, for tests that are about something else
// than the mark.
func unmarked(text string) string { return fenced.ReplaceAllString(text, "$1") }
