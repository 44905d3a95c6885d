package policy

import (
	"strings"
	"unicode"

	"github.com/ostiary/ostiary"
)

// action says what a verb does to the world; EffectRead is a word that says
// nothing. A firm word contradicts a read wherever it stands in a name; one that
// is also a noun ("get_post") only where it leads or joins on ("and_post").
func action(word string) (effect ostiary.Effect, firm bool) {
	switch word {
	case "delete", "remove", "drop", "erase", "wipe", "purge", "destroy", "truncate", "unlink", "rm", "rmdir",
		"overwrite", "move", "rename", "revoke", "uninstall", "terminate", "shutdown", "reboot", "restart", "ban", "kick",
		"unsubscribe", "unregister", "disable", "expire", "format", "evict", "discard", "clear":
		return ostiary.EffectDestructive, word != "format" && word != "clear"
	case "write", "create", "insert", "append", "modify", "edit", "add", "send", "publish", "upload", "install", "grant",
		"invite", "assign", "merge", "save", "mkdir", "chmod", "chown", "apply", "migrate", "enable", "toggle", "replace",
		"submit", "register", "subscribe", "share", "reply", "forward", "tweet", "upsert", "reset", "approve", "stop", "cancel":
		return ostiary.EffectWrite, word != "share" && word != "reply" && word != "forward" && word != "reset" && word != "merge"
	case "update", "set", "put", "post", "patch", "change", "push", "commit", "schedule", "store", "copy", "message", "email",
		"mail", "notify", "alert", "close", "archive", "block", "lock", "unlock", "start", "make", "import", "sync", "comment",
		"download", "reserve", "book", "record", "log", "release", "clone", "generate", "mark", "tag", "label", "react", "rotate":
		return ostiary.EffectWrite, false
	case "exec", "execute", "eval", "evaluate", "shell", "bash", "sh", "powershell", "cmd", "sudo", "kill", "deploy", "spawn", "invoke":
		return ostiary.EffectExecute, word != "evaluate" && word != "invoke"
	case "run", "launch", "script", "command", "call":
		return ostiary.EffectExecute, false
	case "pay", "buy", "purchase", "refund", "withdraw", "donate", "checkout", "wire", "remit":
		return ostiary.EffectSpend, word != "wire" && word != "checkout"
	case "transfer", "charge", "deposit", "order", "trade", "sell", "bid", "tip", "invest":
		return ostiary.EffectSpend, false
	}
	return ostiary.EffectRead, false
}

// reads says whether a verb at the head of a name makes nouns of what follows.
func reads(word string) bool {
	switch word {
	case "get", "list", "read", "search", "find", "show", "fetch", "describe", "count", "view", "query", "check", "open",
		"lookup", "look", "echo", "print", "retrieve", "inspect", "explain", "summarize", "compare", "validate", "verify",
		"browse", "explore", "analyze", "preview", "head", "tail", "stat", "tree", "display", "return", "resolve", "is", "has", "can":
		return true
	}
	return false
}

// joins says whether a second verb may follow.
func joins(word string) bool {
	switch word {
	case "and", "then", "or", "also", "plus", "n":
		return true
	}
	return false
}

// tokens splits snake_case, kebab-case and camelCase into lower-case words.
func tokens(name string) []string {
	var words []string
	var word strings.Builder
	flush := func() {
		if word.Len() > 0 {
			words = append(words, strings.ToLower(word.String()))
			word.Reset()
		}
	}
	runes := []rune(name)
	for i, r := range runes {
		switch {
		case !unicode.IsLetter(r):
			flush()
			continue
		case unicode.IsUpper(r):
			afterLower := i > 0 && unicode.IsLower(runes[i-1])
			endsAcronym := i > 0 && unicode.IsUpper(runes[i-1]) && i+1 < len(runes) && unicode.IsLower(runes[i+1])
			if afterLower || endsAcronym {
				flush()
			}
		}
		word.WriteRune(r)
	}
	flush()
	return words
}

// inName finds the word of a name or title that contradicts a read.
func inName(name string) (word string, effect ostiary.Effect) {
	words := tokens(name)
	for i, w := range words {
		effect, firm := action(w)
		noun := i > 0 && reads(words[0]) && !joins(words[i-1])
		if effect != ostiary.EffectRead && (firm || !noun) {
			return w, effect
		}
		if i == 0 { // words written together: deletefile
			for n := 5; n < len(w); n++ {
				if effect, firm := action(w[:n]); firm {
					return w[:n], effect
				}
			}
		}
	}
	return "", ostiary.EffectRead
}

// inDescription finds a verb that leads a sentence, or follows the leading one
// after "and" or "then", and contradicts a read. Lists and parameters are left
// out: their verbs speak to the reader, not of the tool.
func inDescription(text string) (word string, effect ostiary.Effect) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.ContainsRune("-*•:@#0123456789", []rune(line)[0]) || isParameter(line) {
			continue
		}
		for _, sentence := range strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(".!?;", r) }) {
			words := strings.FieldsFunc(strings.ToLower(sentence), func(r rune) bool { return !unicode.IsLetter(r) && r != '\'' })
			for len(words) > 0 && introduces(words[0]) {
				words = words[1:]
			}
			for i, w := range words {
				verb := stem(w)
				effect, firm := action(verb)
				if effect == ostiary.EffectRead {
					continue
				}
				// A sentence that leads with "Use" or "Set" tells how to call the tool.
				if i == 0 && verb != "set" && verb != "call" || i > 0 && firm && w != verb && joins(words[i-1]) {
					return w, effect
				}
			}
		}
	}
	return "", ostiary.EffectRead
}

// isParameter says whether a line documents one: "start_date: Start of the range".
func isParameter(line string) bool {
	name, _, found := strings.Cut(line, ":")
	name, _, _ = strings.Cut(name, " (")
	return found && !strings.ContainsAny(name, " \t")
}

// introduces says whether a word before the verb says nothing about it.
func introduces(word string) bool {
	switch word {
	case "this", "tool", "the", "function", "method", "it", "will", "can", "may", "to", "and", "then", "also", "please", "optionally",
		"securely", "safely", "quickly", "simply", "recursively", "permanently", "automatically", "immediately", "used", "allows",
		"lets", "helps", "you", "user", "users", "agent", "for", "a", "an", "that", "which":
		return true
	}
	return false
}

// stem undoes the third person and the gerund as far as the verbs of action need.
func stem(word string) string {
	for _, base := range []string{word, strings.TrimSuffix(word, "s"), strings.TrimSuffix(word, "es"),
		strings.TrimSuffix(word, "ing"), strings.TrimSuffix(word, "ing") + "e", strings.TrimSuffix(word, "ies") + "y"} {
		if effect, _ := action(base); effect != ostiary.EffectRead {
			return base
		}
	}
	return word
}
