package validate

import "testing"

func TestConforms(t *testing.T) {
	const schema = `{"type": "object", "properties": {"key": {"type": "string", "maxLength": 8}}, "required": ["key"]}`
	for value, want := range map[string]bool{
		`{"key": "short"}`: true, `{"key": "[REDACTED:jwt]"}`: false, `{}`: false, `{"key": 1}`: false, `[`: false, ``: false,
	} {
		if got := Conforms([]byte(schema), []byte(value)); got != want {
			t.Errorf("%s: %v", value, got)
		}
	}
	for _, broken := range []string{``, `{"type": 1}`, `{`} {
		if Conforms([]byte(broken), []byte(`{}`)) {
			t.Errorf("something conforms to %q", broken)
		}
	}
}
