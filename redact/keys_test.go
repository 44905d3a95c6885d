package redact

import (
	"strings"
	"testing"
)

func TestSecretName(t *testing.T) {
	for _, name := range strings.Fields(`
		password Password PASSWORD passwd pwd pass passphrase token access_token refresh_token id_token
		api_key apikey APIKey apiKey API_KEY x-api-key X-API-Key secret client_secret clientSecret
		authorization Authorization proxy-authorization auth cookie set-cookie Set-Cookie session session_id
		private_key privateKey credential credentials pin otp cvv ssn github_token tokenValue token_value
		githubToken GITHUB_TOKEN dbPassword db_password dbpassword userpassword password1 new-password
		oauth2Token OAuthToken jwt sshKey aws_secret_access_key awsSecretAccessKey secretKey
		access_tokens api.key seed_phrase recovery_codes pinCode smtp_pass pass_word accesstoken
		sessionToken bearerToken webhook_secret type_password session-cookie next_page_token`) {
		if !secretName(name) {
			t.Errorf("%s is a secret", name)
		}
	}
	for _, name := range strings.Fields(`
		tokens max_tokens maxTokens max_token token_count tokenCount tokenizer tokenize tokens_used num_tokens
		total_tokens token_limit token_type author authors authored secretary passage compass key keys sort_key
		primary_key public_key keyboard monkey path content name passenger bypass spinner opinion pinned
		cookbook user id email url sessions_count auth_type auth_method authority password_length
		session_timeout pass_rate query code postal_code phrase pinning __proto__ a 1 é keyName foreignKey`) {
		if secretName(name) {
			t.Errorf("%s is no secret", name)
		}
	}
	for _, name := range []string{"", "-", "123", "\x00\xff", strings.Repeat("a_", 1000)} {
		if secretName(name) {
			t.Errorf("%q is no secret", name)
		}
	}
}

func TestSchemaKeys(t *testing.T) {
	schema := `{
		"title": "Rotate an access token", "description": "Password of the user",
		"$defs": {"hidden": {"type": "string", "writeOnly": true}, "loop": {"anyOf": [{"$ref": "#/$defs/loop"}, {"items": {"$ref": "#/$defs/loop"}}]},
			"a/b": {"properties": {"deep": {"format": "password"}}}},
		"properties": {
			"a": {"type": "string", "format": "password"}, "b": {"writeOnly": true}, "c": {"$ref": "#/$defs/hidden"},
			"d": {"title": "API key", "type": "string"}, "e": {"type": "string", "description": "GitHub access token with repo scope."},
			"f": {"type": "array", "items": {"$ref": "#/$defs/hidden"}}, "g": {"anyOf": [{"type": "null"}, {"format": "password"}]},
			"h": {"type": "object", "additionalProperties": {"format": "password"}}, "i": {"patternProperties": {"_TOKEN$": {}}},
			"n1": {"type": "string", "description": "Path of the password file"}, "n2": {"type": "integer", "title": "Password"},
			"n3": {"type": "string", "description": "Name of the repository. Needs an access token."}, "n4": {"$ref": "#/$defs/loop"},
			"n5": {"$ref": "https://elsewhere.example/secret"}, "n6": {"description": "Maximum number of tokens to generate"},
			"n7": {"type": "object", "properties": {"deeper": {"writeOnly": true}}}, "n8": true, "n9": {"$ref": "#/a/b/c"}
		}}`
	k := Compile([]byte(schema))
	for _, name := range strings.Fields("a b c d e f g h i deep deeper") {
		if !k.secret(name) {
			t.Errorf("%s is declared a secret", name)
		}
	}
	for _, name := range strings.Fields("n1 n2 n3 n4 n5 n6 n7 n8 n9 title properties other") {
		if k.secret(name) {
			t.Errorf("%s is not declared a secret", name)
		}
	}
	if Compile(nil).secret("a") || Compile([]byte("true")).secret("a") {
		t.Error("no schema, no secret")
	}
	for name, bad := range map[string]string{
		"no JSON": "{", "deep": strings.Repeat(`{"a":`, 500) + "1" + strings.Repeat("}", 500),
		"open": `{"additionalProperties": {"format": "password"}}`, "root": `{"writeOnly": true}`,
	} {
		if !Compile([]byte(bad)).secret("anything") {
			t.Errorf("%s: every value is to be a secret", name)
		}
	}
}
