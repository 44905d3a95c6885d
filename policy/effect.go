package policy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/ostiary/ostiary"
)

// maxDescription is the longest description that is judged, in bytes.
const maxDescription = 64 << 10

// Judge says what a tool's effect is where no row does, and why: read only if its
// annotation says so and neither name, title, description nor schema contradicts
// it, else destructive. The words are English; a tool that lies in its name, its
// description and its schema alike is not found out here.
func Judge(t ostiary.Tool) (ostiary.Effect, string) {
	if !isTrue(t.Annotations.ReadOnly) {
		return ostiary.EffectDestructive, "the server does not annotate it readOnlyHint: true"
	}
	if isTrue(t.Annotations.Destructive) {
		return ostiary.EffectDestructive, "its annotations contradict each other: readOnlyHint and destructiveHint are both true"
	}
	if _, why := contradiction(t); why != "" {
		return ostiary.EffectDestructive, "it is annotated readOnlyHint: true, but " + why
	}
	return ostiary.EffectRead, "it is annotated readOnlyHint: true and nothing contradicts that"
}

func isTrue(b *bool) bool  { return b != nil && *b }
func isFalse(b *bool) bool { return b != nil && !*b }

// contradiction returns what a tool says of itself that is no read, and what it
// seems to be instead; an empty text if there is nothing.
func contradiction(t ostiary.Tool) (ostiary.Effect, string) {
	if strings.ContainsFunc(t.Name, func(r rune) bool { return r > 0x7e || r < 0x20 }) {
		return ostiary.EffectDestructive, "its name is not plain ASCII and cannot be judged"
	}
	if len(t.Description)+len(t.Title) > maxDescription {
		return ostiary.EffectDestructive, "its description is too long to be judged"
	}
	if word, effect := inName(t.Name); word != "" {
		return effect, fmt.Sprintf("its name says %q", word)
	}
	if word, effect := inName(t.Title); word != "" {
		return effect, fmt.Sprintf("its title says %q", word)
	}
	if effect, why := inSchema(t.InputSchema); why != "" {
		return effect, why
	}
	if word, effect := inDescription(t.Description); word != "" {
		return effect, fmt.Sprintf("its description says %q", word)
	}
	return ostiary.EffectRead, ""
}

// inSchema looks at the names of the arguments: a read takes no command, no
// amount, no text to write or to send.
func inSchema(schema []byte) (ostiary.Effect, string) {
	if len(schema) == 0 {
		return ostiary.EffectRead, ""
	}
	var s struct {
		Properties map[string]json.RawMessage
	}
	if json.Unmarshal(schema, &s) != nil {
		return ostiary.EffectDestructive, "its schema cannot be read"
	}
	has := map[string]bool{}
	for _, name := range sortedKeys(s.Properties) {
		word := strings.Join(tokens(name), "_")
		has[word] = true
		if effect := argument(word); effect != ostiary.EffectRead {
			return effect, fmt.Sprintf("its schema takes %q", name)
		}
		var sub struct{ Description string }
		if json.Unmarshal(s.Properties[name], &sub) == nil && takesCode(sub.Description) {
			return ostiary.EffectExecute, fmt.Sprintf("its schema takes code in %q", name)
		}
	}
	any := func(names ...string) bool { return slices.ContainsFunc(names, func(n string) bool { return has[n] }) }
	content := any("body", "content", "contents", "text", "message", "data", "new_content", "file_content")
	switch {
	case content && any("to", "cc", "bcc", "channel", "recipient", "email", "phone", "chat_id"):
		return ostiary.EffectWrite, "its schema takes a text and whom to send it to"
	case content && any("path", "file", "filename", "file_path", "filepath", "file_name", "destination"):
		return ostiary.EffectWrite, "its schema takes a content and where to write it"
	case any("source", "src", "from") && any("destination", "dest", "dst"):
		return ostiary.EffectWrite, "its schema takes a source and a destination"
	}
	return ostiary.EffectRead, ""
}

// argument says what an argument of this name makes of a tool.
func argument(name string) ostiary.Effect {
	switch name {
	case "command", "cmd", "commands", "script", "code", "shell", "sql", "sql_query", "statement", "python_code", "source_code", "argv", "expression":
		return ostiary.EffectExecute
	case "amount", "iban", "price", "payment_method", "card_number":
		return ostiary.EffectSpend
	case "recipient", "recipients", "edits", "patch", "overwrite", "dry_run", "new_password", "new_name", "new_value":
		return ostiary.EffectWrite
	case "force", "confirm", "action":
		return ostiary.EffectDestructive
	}
	return ostiary.EffectRead
}

func takesCode(description string) bool {
	for _, word := range tokens(description) {
		switch word {
		case "sql", "cypher", "bash", "powershell", "javascript", "shell":
			return true
		}
	}
	return false
}

// effectOf is the effect of a tool under a row, nil for none. With an effect
// written the row speaks, and what the tool states of itself only makes it
// stricter; then raised says by what.
func effectOf(row *Row, t ostiary.Tool) (effect ostiary.Effect, why, raised string) {
	if row == nil || row.Effect == ostiary.EffectUnknown {
		effect, why = Judge(t)
		return effect, why, ""
	}
	effect, why = row.Effect, "the rule says so"
	if effect == ostiary.EffectRead && isFalse(t.Annotations.ReadOnly) {
		effect, raised = ostiary.EffectWrite, "readOnlyHint: false"
	}
	if effect <= ostiary.EffectWrite && isTrue(t.Annotations.Destructive) && !isTrue(t.Annotations.ReadOnly) {
		effect, raised = ostiary.EffectDestructive, "destructiveHint: true"
	}
	if raised != "" {
		why = fmt.Sprintf("the rule says %s, the server's own annotation %s makes it %s", row.Effect, raised, effect)
	}
	return effect, why, raised
}
