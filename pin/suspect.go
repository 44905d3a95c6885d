package pin

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/ostiary/ostiary/internal/visible"
)

// findingsMost is how many findings one form has.
const findingsMost = 16

// asksForTalk and asksForSecrets are names of parameters by which a tool gets what
// it is not for: what the person and the model said, and what opens doors. They are
// findings and no more: a tool for passwords has a parameter for one.
var (
	asksForTalk = regexp.MustCompile(`^(full_?|entire_?|whole_?|chat_?|conversation_?|message_?|dialog_?|prompt_?|context_?|user_?|system_?)*(conversation|chathistory|chat_history|history_of_chat|conversation_history|message_history|messages_so_far|system_?prompt|chat_?log|transcript|full_?context|model_?(name|context)|previous_messages|chain_of_thought|reasoning|tools_?list|all_tools)$`)

	asksForSecrets = regexp.MustCompile(`^(.*_)?(password|passwd|passphrase|api_?key|secret(_?key)?|access_?token|auth_?token|private_?key|ssh_?key|credentials?|env(ironment)?_?(vars?|variables)|cookies?|seed_?phrase)$`)
)

// suspicions are what is suspicious about a definition before anybody trusts it:
// hidden characters and letters that pose as others, in any text of it; parameters
// that ask for the conversation or for secrets; and what inspect finds.
func suspicions(kind Kind, upstream string, text []byte, inspect func(upstream, text string) []string) []string {
	v, ok := decode(string(text))
	if !ok {
		return nil
	}
	s := &suspector{upstream: upstream, inspect: inspect}
	s.walk("", "", v, 0)
	if m, ok := v.(map[string]any); ok && kind == KindTool {
		s.parameters(m["inputSchema"], 0)
	} else if ok && kind == KindPrompt {
		list, _ := m["arguments"].([]any)
		for _, one := range list {
			one, _ := one.(map[string]any)
			name, _ := one["name"].(string)
			s.parameter(name)
		}
	}
	return s.found
}

type suspector struct {
	upstream string
	inspect  func(upstream, text string) []string
	found    []string
}

func (s *suspector) add(at, what string) {
	text := what
	if at != "" { // "" is all of it, as with instructions
		text = visible.Line(at, 120) + " " + what
	}
	if len(s.found) < findingsMost && !slices.Contains(s.found, text) {
		s.found = append(s.found, text)
	}
}

func (s *suspector) walk(at, key string, v any, depth int) {
	if depth > deepest {
		return
	}
	switch v := v.(type) {
	case string:
		s.text(at, key, v)
	case []any:
		for i, e := range v {
			s.walk(fmt.Sprintf("%s/%d", at, i), key, e, depth+1)
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			place := at + "/" + k
			s.text(place, "", k)
			s.walk(place, k, v[k], depth+1)
		}
	}
}

func (s *suspector) text(at, key, text string) {
	if n := hidden(text); n > 0 {
		s.add(at, fmt.Sprintf("holds %d hidden characters", n))
	}
	if key == "pattern" || key == "data" || key == "src" { // regular expressions and icons
		return
	}
	if why, found := visible.Lookalikes(text); found {
		s.add(at, "holds "+why)
	}
	if s.inspect == nil || len(text) < 8 {
		return
	}
	for _, rule := range s.inspect(s.upstream, text) {
		s.add(at, "reads like "+visible.Line(rule, 60))
	}
}

// hidden counts the characters that a person does not see and a model reads.
func hidden(s string) (n int) {
	for _, r := range s {
		switch {
		case r == '\n', r == '\t', r == '\r', r < 0x7f && r >= ' ':
		case r == 0xFE0F, r == 0x200D: // emoji are made with them
		case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Cc, r), unicode.Is(unicode.Co, r),
			r >= 0xFE00 && r <= 0xFE0E, r >= 0xE0100 && r <= 0xE01EF, r == 0x115F, r == 0x1160, r == 0x3164, r == 0xFFA0:
			n++
		}
	}
	return n
}

// parameters looks at the names of properties, at every depth.
func (s *suspector) parameters(schema any, depth int) {
	m, ok := schema.(map[string]any)
	if !ok || depth > deepest {
		return
	}
	properties, _ := m["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		s.parameter(name)
		s.parameters(properties[name], depth+1)
	}
	s.parameters(m["items"], depth+1)
}

func (s *suspector) parameter(name string) {
	plain := strings.ReplaceAll(strings.ToLower(separated(name)), "-", "_")
	switch {
	case asksForTalk.MatchString(plain):
		s.add("the parameter "+name, "asks for the conversation")
	case asksForSecrets.MatchString(plain):
		s.add("the parameter "+name, "asks for a secret")
	}
}

// separated puts a line between the words of camelCase.
func separated(name string) string {
	var b strings.Builder
	lower := false
	for _, r := range name {
		if unicode.IsUpper(r) && lower {
			b.WriteByte('_')
		}
		lower = unicode.IsLower(r) || unicode.IsDigit(r)
		b.WriteRune(r)
	}
	return b.String()
}
