package scan

import "testing"

// TestNamedSecrets: what a member's name calls a secret is one, with signs in it too;
// what stands under such a name in ordinary data is none.
func TestNamedSecrets(t *testing.T) {
	e, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		key, value string
		want       bool
	}{
		{"api_key", "Tr0ub4dor&3xyzQ", true},
		{"apiKey", "Tr0ub4dor&3xyzQ", true},
		{"x-api-key", "tr0ub4dor&3xyz", true},
		{"secret", "Tr0ub4dor&3xyzQ", true},
		{"client_secret", "9xK!p2#vL$q8", true},
		{"SECRET_KEY", "x#1b^9&kq!7zzt%2", true},
		{"aws_secret_access_key", "Lj2^5O%xi214", true},
		{"API_TOKEN", "Lj2^5O%xi214", true},
		{"DB_PWD", "tr0ub4dor&3", true},
		{"api_keys", "Tr0ub4dor&3xyzQ", true},

		{"key", "Tr0ub4dor&3xyzQ", false},
		{"primary_key", "Tr0ub4dor&3xyzQ", false},
		{"monkey", "Tr0ub4dor&3xyzQ", false},
		{"tokens", "Tr0ub4dor&3xyzQ", false},
		{"token_type", "Tr0ub4dor&3xyzQ", false},
		{"nextPageToken", "Tr0ub4dor&3xyzQ", false},
		{"continuation_token", "Tr0ub4dor&3xyzQ", false},
		{"api_key", "Tr0u&3Q", false},
		{"api_key", "two words & 3xyz", false},
		{"api_key", "${API_KEY_2}", false},
		{"api_key", "$API_KEY_2&more", false},
		{"api_key", "<your-key-1!>", false},
		{"api_key", "sk1a****wxyz", false},
		{"secret", "projects/p1/secrets/s!1", false},
		{"secret", "https://a.example/?x=1&y=2b", false},
		{"secret", "alice1@mail.example", false},
		{"secret", "stripe-key@v3", false},
		{"secret", "hello-world!", false},
		{"token", "AbC12%2FdEf%3D%3D", false},
	} {
		if _, got := e.Assigned(c.key, c.value); got != c.want {
			t.Errorf("%s: %s: %t", c.key, c.value, got)
		}
		for _, text := range []string{`{"` + c.key + `":"` + c.value + `"}`, "{\n  \"" + c.key + "\" : \"" + c.value + "\"\n}"} {
			found := e.Find(nil, text)
			if (len(found) > 0) != c.want || c.want && text[found[0].Start:found[0].End] != c.value {
				t.Errorf("%s: %v", text, found)
			}
		}
	}
	// A text that is no object says nothing of its value.
	for _, text := range []string{`api_key: Tr0ub4dor&3xyzQ`, `token("Tr0ub4dor&3xyzQ")`, `"api_key", "Tr0ub4dor&3xyzQ"`} {
		if found := e.Find(nil, text); len(found) > 0 {
			t.Errorf("%s: %v", text, found)
		}
	}
}
