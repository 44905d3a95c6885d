package auth

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ostiary/ostiary"
)

// Challenge tells an HTTP client what to do about a refusal: the status, and the
// headers WWW-Authenticate (RFC 6750, section 3, and RFC 9728, section 5.1) and
// Retry-After where they help. scopes are all that the operation needs, so that a
// client asks once: with 403 those of the refused call, with 401 what is useful
// to sign in with; none leaves them out. An error that is no refusal is 500.
func (m *Resource) Challenge(err error, scopes []string) (int, http.Header) {
	var e *ostiary.Error
	if !errors.As(err, &e) {
		return http.StatusInternalServerError, http.Header{}
	}
	h := http.Header{}
	status, word := verdict(e.Code)
	switch status {
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", strconv.Itoa(int(max(1, (e.RetryAfter+time.Second-1)/time.Second))))
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden:
		h.Set("WWW-Authenticate", m.bearer(word, e.Message, legal(scopes)))
	}
	return status, h
}

// verdict is the status and the word of RFC 6750 for a code. Who has sent nothing
// gets no word.
func verdict(c ostiary.Code) (status int, word string) {
	switch c {
	case ostiary.CodeAuthMissing:
		return http.StatusUnauthorized, ""
	case ostiary.CodeAuthMalformed, ostiary.CodeAuthAmbiguous, ostiary.CodeAuthQuery:
		return http.StatusBadRequest, "invalid_request"
	case ostiary.CodePolicyScope:
		return http.StatusForbidden, "insufficient_scope"
	case ostiary.CodeAuthUnavailable, ostiary.CodeStoreUnavailable, ostiary.CodeStoreBusy, ostiary.CodeStoreSchema:
		return http.StatusServiceUnavailable, ""
	}
	if strings.HasPrefix(string(c), "auth_") {
		return http.StatusUnauthorized, "invalid_token"
	}
	return http.StatusInternalServerError, ""
}

func (m *Resource) bearer(word, message string, scopes []string) string {
	var parts []string
	add := func(name, value string) {
		if value != "" {
			parts = append(parts, name+`="`+value+`"`)
		}
	}
	add("error", word)
	if word != "" {
		add("error_description", described(message))
	}
	add("scope", strings.Join(scopes, " "))
	if len(m.o.AuthorizationServers) > 0 {
		add("resource_metadata", m.metadataURL)
	}
	if len(parts) == 0 {
		return "Bearer"
	}
	return "Bearer " + strings.Join(parts, ", ")
}

// described keeps what RFC 6750 allows in error_description: visible ASCII and
// spaces without quotes and backslashes.
func described(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '"':
			return '\''
		case r < 0x20 || r > 0x7e || r == '\\':
			return -1
		}
		return r
	}, s)
}
