package config

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// dangerousKeys collects the keys that begin with dangerously_ at any depth of a
// JSON Schema's properties.
func dangerousKeys(schema any, found map[string]bool) {
	switch v := schema.(type) {
	case []any:
		for _, e := range v {
			dangerousKeys(e, found)
		}
	case map[string]any:
		for key, e := range v {
			if strings.HasPrefix(key, "dangerously_") {
				found[key] = true
			}
			dangerousKeys(e, found)
		}
	}
}

// TestDangerousKeysAreDocumented compares docs/reference/dangerous-keys.md with the
// keys of the schema, both ways. What the page calls not built is refused.
func TestDangerousKeysAreDocumented(t *testing.T) {
	var schema any
	if err := json.Unmarshal(JSONSchema(), &schema); err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	dangerousKeys(schema, there)
	if len(there) < 4 {
		t.Fatalf("only %v found: is the schema still read right?", slices.Sorted(maps.Keys(there)))
	}
	page, err := os.ReadFile("../docs/reference/dangerous-keys.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `(dangerously_[a-z_]+)` \\| [^|]+ \\| (Not built yet)?").FindAllStringSubmatch(string(page), -1) {
		key, later := m[1], m[2] != ""
		if later {
			refusedAsLater(t, key)
		}
		if !there[key] {
			t.Errorf("the page has %s, the schema does not", key)
		}
		delete(there, key)
	}
	for key := range there {
		t.Errorf("%s is not in docs/reference/dangerous-keys.md", key)
	}
}

// refusedAsLater checks that a key without its layer is refused where it stands.
func refusedAsLater(t *testing.T, key string) {
	t.Helper()
	for _, text := range []string{
		"upstreams: {a: {command: [x], " + key + ": true}}\n", "rules: [{tool: a/b, " + key + ": true}]\n",
	} {
		_, err := Parse("f.yaml", []byte(text), Options{})
		if err != nil && strings.Contains(err.Error(), "config_layer") {
			return
		}
	}
	t.Errorf("%s is not refused as a key of a layer that is not built", key)
}
