package main

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/validate"
)

// Names of arguments, in lower case and without - and _.
var (
	dryRunNames  = []string{"dryrun", "preview", "previewonly", "simulate", "whatif", "planonly", "checkonly", "validateonly"}
	confirmNames = []string{"confirm", "confirmed", "confirmation", "userconfirmed", "approved"}
	contentNames = []string{"content", "contents", "filecontent", "filecontents", "filetext", "newcontent"}
)

// Words with which a tool's name begins that replaces a file, or removes one.
var (
	writeWords  = []string{"write", "create", "save", "overwrite", "put"}
	deleteWords = []string{"delete", "remove", "unlink", "rm", "rmdir", "erase"}
)

// consent proposes what a person is shown before a call of a tool with an effect,
// and what becomes of the model's own yes. That a tool keeps to its dry run is the
// operator's word, so it stays a comment; what the door computes itself is at work
// where the file is known to be ours.
func (d draft) consent(p func(string, ...any), t ostiary.Tool) {
	fields := fieldsOf(t)
	if names := fields.named(confirmNames, "boolean", "string"); len(names) > 0 {
		for i, n := range names {
			names[i] = yamlText(n)
		}
		p("    # confirm: {argument: [%s]} # taken out of each call: what the model says is no person's yes", strings.Join(names, ", "))
	}
	if names := fields.named(dryRunNames, "boolean"); len(names) > 0 {
		p("    # dry_run: {argument: %s} # shown to the person first; only if you know that the tool then changes nothing", yamlText(names[0]))
		return
	}
	preview, sure := d.preview(t, fields)
	switch {
	case preview == "":
	case sure:
		p("    preview: %s # what the person is shown", preview)
	default:
		p("    # preview: %s # what the person is shown, for files of this machine", preview)
	}
}

// preview is what the door can show of a call; sure says that the draft knows in
// which directory.
func (d draft) preview(t ostiary.Tool, fields fields) (text string, sure bool) {
	path := ""
	for _, s := range validate.Suggest(t) {
		name := strings.TrimPrefix(s.Pointer, "/")
		if s.Kind != "path" || fields[name] != "string" {
			continue
		}
		if path != "" {
			return "", false // which one is meant is not known
		}
		path = name
	}
	first := firstWord(t.Name)
	switch content := fields.named(contentNames, "string"); {
	case path == "":
	case slices.Contains(deleteWords, first):
		return "{delete: {path: " + yamlText(path) + "}}", d.root != ""
	case slices.Contains(writeWords, first) && len(content) == 1:
		return "{write: {path: " + yamlText(path) + ", content: " + yamlText(content[0]) + "}}", d.root != ""
	}
	return "", false
}

// fields are the top-level arguments of a tool with their types, as far as the
// schema says one plainly.
type fields map[string]string

func fieldsOf(t ostiary.Tool) fields {
	var schema struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	if json.Unmarshal(t.InputSchema, &schema) != nil {
		return nil
	}
	all := fields{}
	for name, raw := range schema.Properties {
		var one struct {
			Type string `json:"type"`
		}
		if json.Unmarshal(raw, &one) == nil {
			all[name] = one.Type
		}
	}
	return all
}

// named returns the arguments of one of these types whose name is in the list.
func (f fields) named(list []string, types ...string) (found []string) {
	for _, name := range slices.Sorted(maps.Keys(f)) {
		plain := strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(name))
		if slices.Contains(types, f[name]) && slices.Contains(list, plain) {
			found = append(found, name)
		}
	}
	return found
}

// firstWord is the verb of a name such as write_file, write-file or writeFile.
func firstWord(name string) string {
	end := strings.IndexFunc(name, func(r rune) bool { return r < 'a' || r > 'z' })
	if end > 0 {
		return name[:end]
	}
	return name
}
