package e2e

import "regexp"

// What the door puts around text from outside, in the bytes of a reply.
var (
	fenceOpens  = regexp.MustCompile(`<untrusted id=\\"[A-Z2-7]+\\" source=.*? what=\\"[a-z]+\\">\\n.*?\\n\\n`)
	fenceCloses = regexp.MustCompile(`\\n</untrusted id=\\"[A-Z2-7]+\\">`)
	markOfMeta  = regexp.MustCompile(`"_meta":\{"ostiary/untrusted":\{[^{}]*\}\},?|"ostiary/untrusted":\{[^{}]*\},?`)
	saidBeside  = regexp.MustCompile(`\{"type":"text","text":"It stands in structuredContent\."\},?`)
	fencedText  = regexp.MustCompile(`(?s)<untrusted id="[A-Z2-7]+" [^>]*>\n[^\n]*\n\n(.*?)\n</untrusted id="[A-Z2-7]+">`)
)

// unmarked is a reply as the server gave it, but for what else the door changed.
func unmarked(reply string) string {
	reply = fenceCloses.ReplaceAllString(fenceOpens.ReplaceAllString(reply, ""), "")
	return saidBeside.ReplaceAllString(markOfMeta.ReplaceAllString(reply, ""), "")
}

// unfenced is a text as the server wrote it.
func unfenced(text string) string { return fencedText.ReplaceAllString(text, "$1") }
