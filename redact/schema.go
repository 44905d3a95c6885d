package redact

import (
	"encoding/json"
	"strings"
)

// SchemaKeys are the keys that a tool's JSON Schema declares as secrets, made
// once a tool. nil declares none. It is immutable.
//
// A key counts wherever it stands in the arguments: following the schema to one
// place would have to understand everything that a schema can say.
type SchemaKeys struct {
	keys map[string]bool
	all  bool
}

// Compile finds the keys whose schema has the format "password" or is writeOnly,
// in itself, in a part of it or behind a local $ref, or that a title or the
// beginning of a description calls a secret. A schema that cannot be read, or
// that is nested too deeply, makes every value a secret; an empty one none.
func Compile(schema []byte) *SchemaKeys {
	if len(schema) == 0 {
		return nil
	}
	k := &SchemaKeys{keys: map[string]bool{}}
	c := compiler{out: k, left: maxSchemaNodes}
	if err := json.Unmarshal(schema, &c.root); err != nil {
		k.all = true
		return k
	}
	c.collect(c.root, 0)
	// The title of the whole tool ("Rotate a token") hides none of its arguments.
	if root, ok := c.root.(map[string]any); ok {
		c.seen = map[string]bool{}
		k.all = k.all || declared(root) || c.open(root, 0)
	}
	return k
}

func (k *SchemaKeys) secret(name string) bool { return k != nil && (k.all || k.keys[name]) }

const (
	maxSchemaDepth = 128
	maxSchemaNodes = 200_000 // looked at, references counted each time
)

type compiler struct {
	root any
	out  *SchemaKeys
	left int
	seen map[string]bool // references followed for the key at hand
}

// spent is true when the schema is too deep or too large to be understood.
func (c *compiler) spent(depth int) bool {
	c.left--
	if depth > maxSchemaDepth || c.left < 0 {
		c.out.all = true
		return true
	}
	return false
}

// collect looks at every properties of the schema, wherever it stands.
func (c *compiler) collect(v any, depth int) {
	if c.spent(depth) {
		return
	}
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			c.collect(e, depth+1)
		}
	case map[string]any:
		if props, ok := v["properties"].(map[string]any); ok {
			for name, s := range props {
				c.seen = map[string]bool{}
				if !c.out.keys[name] && c.secret(s, 0) {
					c.out.keys[name] = true
				}
			}
		}
		for _, e := range v {
			c.collect(e, depth+1)
		}
	}
}

// secret reports whether a value under this schema holds a secret that no key of
// its own names.
func (c *compiler) secret(v any, depth int) bool {
	s, ok := v.(map[string]any)
	if !ok {
		return false
	}
	if c.spent(depth) || declared(s) || described(s) || c.open(s, depth) {
		return true
	}
	if ref, ok := s["$ref"].(string); ok && !c.seen[ref] {
		c.seen[ref] = true
		if c.secret(c.resolve(ref), depth+1) {
			return true
		}
	}
	for _, key := range []string{"items", "contains", "if", "then", "else"} {
		if c.secret(s[key], depth+1) {
			return true
		}
	}
	for _, key := range []string{"allOf", "anyOf", "oneOf", "prefixItems", "items"} {
		parts, _ := s[key].([]any)
		for _, p := range parts {
			if c.secret(p, depth+1) {
				return true
			}
		}
	}
	return false
}

// open reports whether keys that the schema does not list hold secrets.
func (c *compiler) open(s map[string]any, depth int) bool {
	if c.secret(s["additionalProperties"], depth+1) || c.secret(s["unevaluatedProperties"], depth+1) {
		return true
	}
	patterns, _ := s["patternProperties"].(map[string]any)
	for pattern, p := range patterns {
		if secretName(pattern) || c.secret(p, depth+1) {
			return true
		}
	}
	return false
}

// declared reads the words of the specification (JSON Schema 2020-12, validation,
// sections 7 and 9.4; "password" is OpenAPI's).
func declared(s map[string]any) bool { return s["format"] == "password" || s["writeOnly"] == true }

// described reads the words for people. A number is a count, not a secret.
func described(s map[string]any) bool {
	switch s["type"] {
	case "integer", "number", "boolean":
		return false
	}
	title, _ := s["title"].(string)
	description, _ := s["description"].(string)
	return secretName(title) || describesSecret(description)
}

// resolve follows a local reference; others are never followed.
func (c *compiler) resolve(ref string) any {
	pointer, ok := strings.CutPrefix(ref, "#")
	if !ok || pointer == "" {
		return nil
	}
	at := c.root
	for _, part := range strings.Split(strings.TrimPrefix(pointer, "/"), "/") {
		part = strings.ReplaceAll(strings.ReplaceAll(part, "~1", "/"), "~0", "~")
		m, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		at = m[part]
	}
	return at
}

// describesSecret reads the first sentence of a description: "GitHub access token
// with repo scope." describes a secret, "Path of the password file" does not.
func describesSecret(text string) bool {
	text, _, _ = strings.Cut(text[:min(len(text), 160)], ". ")
	text = strings.ToLower(strings.TrimSpace(text))
	for _, article := range []string{"the ", "a ", "an ", "optional ", "your "} {
		text = strings.TrimPrefix(text, article)
	}
	for _, about := range []string{
		"path", "name", "id ", "identifier", "url", "whether", "if ", "number", "max", "min", "how ", "type",
		"file", "directory", "list of", "length", "where", "when", "do not", "don't", "never", "no ",
	} {
		if strings.HasPrefix(text, about) {
			return false
		}
	}
	text = strings.NewReplacer("-", " ", "_", " ").Replace(text)
	for _, secret := range []string{
		"password", "passphrase", "api key", "apikey", "access token", "auth token", "authentication token",
		"authorization token", "bearer token", "refresh token", "api token", "secret key", "client secret",
		"shared secret", "secret value", "private key", "signing key", "credentials",
	} {
		if strings.Contains(text, secret) {
			return true
		}
	}
	return false
}
