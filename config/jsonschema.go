package config

import (
	"bytes"
	"encoding/json"
	"strings"
)

// JSONSchema is the grammar for editors, as JSON Schema 2020-12. It is made from
// the table that the decoder reads, so it knows the same keys; what a schema
// cannot say (an expression, a rate that is too high) only the decoder checks.
func JSONSchema() []byte {
	root := fileKind().shape.jsonSchema()
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["$id"] = "urn:ostiary:configuration:1"
	root["title"] = "Ostiary configuration"
	root["type"] = []string{"object", "null"} // a file of comments alone
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(root); err != nil {
		panic(err) // maps, texts and numbers always encode
	}
	return b.Bytes()
}

// jsonSchema describes one shape.
func (s *shape) jsonSchema() map[string]any {
	long := s.longSchema()
	if s.brief != nil {
		return map[string]any{"anyOf": []any{s.brief.jsonSchema(), long}}
	}
	if t, ok := long["type"].(string); ok && s.null {
		long["type"] = []string{t, "null"}
	}
	return long
}

func (s *shape) longSchema() map[string]any {
	switch {
	case s.item != nil:
		m := map[string]any{"type": "array", "items": s.item.jsonSchema()}
		if !s.empty {
			m["minItems"] = 1
		}
		return m
	case s.values != nil:
		return map[string]any{"type": "object", "additionalProperties": s.values.jsonSchema()}
	case s.title != "":
		return s.objectSchema()
	}
	m := map[string]any{}
	for k, v := range s.schema {
		m[k] = v
	}
	return m
}

func (s *shape) objectSchema() map[string]any {
	properties := map[string]any{}
	required := []string{}
	for _, f := range s.fields {
		if f.layer != "" {
			properties[f.key] = map[string]any{"not": map[string]any{}, "description": "Not built yet: " + f.layer + "."}
			continue
		}
		p := f.shape.jsonSchema()
		p["description"] = strings.ReplaceAll(f.doc, "`", "")
		properties[f.key] = p
		if f.required {
			required = append(required, f.key)
		}
	}
	m := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		m["required"] = required
	}
	if len(s.oneOf) > 0 {
		var one []any
		for _, k := range s.oneOf {
			one = append(one, map[string]any{"required": []string{k}})
		}
		m["oneOf"] = one
	}
	return m
}
