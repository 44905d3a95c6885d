package scan

import (
	"regexp/syntax"
	"strings"
)

// Some rules of gitleaks go over several lines with gaps of any length, which no
// pattern does in linear time. They are searched by hand, and known by how their
// expressions begin; one that begins otherwise is left to regexp.
const (
	curlLazy   = `\bcurl\b(?:.*?|.*?(?:[\r\n]{1,2}.*?){1,5})[ \t\n\r]`
	curlGreedy = `\bcurl\b(?:.*|.*(?:[\r\n]{1,2}.*){1,5})[ \t\n\r]`
	keyHead    = `(?i)-----BEGIN[ A-Z0-9_-]{0,100}PRIVATE KEY(?: BLOCK)?-----`
	kubeHead   = `(?i)(?:\bkind:[ \t]*["']?\bsecret\b["']?`
)

// handFor is the search by hand for a rule of the file, and the words that find it.
func handFor(r *rule) (hand func(f *finder, r *rule, start, end int), words []string, ok bool) {
	switch {
	case strings.HasPrefix(r.regex, keyHead):
		r.rank = rankBlock
		return privateKey, []string{"private key"}, true
	case strings.HasPrefix(r.regex, kubeHead):
		r.rank = rankKey
		return kubeSecret, []string{"kind: secret", "kind: \"secret", "kind: 'secret", "kind:secret"}, true
	}
	for _, head := range []string{curlLazy, curlGreedy} {
		rest, ok := strings.CutPrefix(r.regex, head)
		if !ok {
			continue
		}
		parsed, err := syntax.Parse(rest, syntax.Perl)
		if err != nil {
			return nil, nil, false
		}
		p, ok := compile(parsed)
		if !ok {
			return nil, nil, false
		}
		r.rank = rankKey
		return func(f *finder, r *rule, start, end int) { f.curl(r, p, start, end) }, []string{"curl"}, true
	}
	return nil, nil, false
}

const (
	maxCommand  = 4 << 10 // bytes of a command line with its continuations
	maxContinue = 5       // line ends in it
)

// curl tries a pattern at each option of a command.
func (f *finder) curl(r *rule, p *pattern, start, end int) {
	s := f.m.s
	if start > 0 && isWord(s[start-1]) || end < len(s) && isWord(s[end]) || s[start:end] != "curl" {
		return
	}
	lines := 0
	limit := min(len(s)-1, end+maxCommand)
	i := end
	for ; i < limit; i++ {
		switch s[i] {
		case '\n':
			if lines++; lines > maxContinue {
				limit = i
			}
		case ' ', '\t', '\r':
		default:
			continue
		}
		if s[i+1] != '-' {
			continue
		}
		if to, ok := f.m.match(p, i+1); ok {
			f.add(r, r.group, start, to)
		}
	}
	f.until[r.number] = max(f.until[r.number], i)
	f.note(start, i+Reach)
}

// maxManifest is how far from the kind of a manifest its data may stand.
const maxManifest = 4 << 10

// kubeSecret finds the values under data: and stringData: of a manifest in YAML
// whose kind is Secret. A line of three hyphens ends a manifest.
func kubeSecret(f *finder, r *rule, start, end int) {
	s := f.m.s
	low, high := max(0, start-maxManifest, f.until[r.number]), min(len(s), end+maxManifest)
	if n := strings.LastIndex(s[low:start], "\n---"); n >= 0 {
		low += n + 1
	}
	if n := strings.Index(s[end:high], "\n---"); n >= 0 {
		high = end + n
	}
	inside, indent := false, 0
	for at := low; at < high; {
		next := high
		if n := strings.IndexByte(s[at:high], '\n'); n >= 0 {
			next = at + n
		}
		text := strings.TrimRight(s[at:next], "\r \t")
		word := strings.TrimLeft(text, " \t")
		depth := len(text) - len(word)
		switch {
		case word == "data:" || word == "stringData:":
			inside, indent = true, depth
		case inside && word != "" && depth <= indent:
			inside = false
		case inside:
			if n := strings.Index(word, ": "); n > 0 {
				value := strings.Trim(word[n+2:], "\"' ")
				from := at + depth + n + 2 + strings.Index(word[n+2:], value)
				if len(value) >= 3 && value[0] != '|' && value[0] != '>' && !placeholder(value) {
					f.take(r, from, from+len(value), from, from+len(value))
				}
			} else if !strings.HasSuffix(word, ":") && len(word) >= 10 && !placeholder(word) { // a line of a block
				f.take(r, at+depth, at+len(text), at+depth, at+len(text))
			}
		}
		at = next + 1
	}
	f.until[r.number] = max(f.until[r.number], high)
	f.note(low, high+Reach)
}
