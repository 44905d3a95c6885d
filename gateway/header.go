package gateway

import (
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// headerText is a text as a header field can carry it (MCP 2026-07-28,
// transports): as it is where that is safe, else as =?base64?…?=.
func headerText(s string) string {
	plain := strings.TrimSpace(s) == s && !strings.HasPrefix(s, "=?base64?")
	for i := 0; i < len(s) && plain; i++ {
		plain = s[i] >= 0x20 && s[i] < 0x7f
	}
	if plain {
		return s
	}
	return "=?base64?" + base64.StdEncoding.EncodeToString([]byte(s)) + "?="
}

// fieldText is what a header field says.
func fieldText(v string) (string, bool) {
	inner, ok := strings.CutPrefix(v, "=?base64?")
	if !ok {
		return v, true
	}
	inner, ok = strings.CutSuffix(inner, "?=")
	if !ok {
		return "", false
	}
	b, err := base64.StdEncoding.DecodeString(inner)
	return string(b), err == nil
}

// matches reports whether the header of a modern request says what its body
// says. What sits between may have decided by the header (MCP 2026-07-28:
// whoever processes the body MUST reject a mismatch).
func matches(h http.Header, m *wire.Message) error {
	if m.Kind == wire.KindRequest && m.Era != wire.EraModern {
		return &ostiary.Error{Code: ostiary.CodeWireMeta, Message: "the header speaks of a revision without sessions, so the request must name it in params._meta: send io.modelcontextprotocol/protocolVersion there"}
	}
	if err := matchField(h, headerVersion, m.Version, true); err != nil {
		return err
	}
	if err := matchField(h, headerMethod, m.Method, true); err != nil {
		return err
	}
	switch m.Method {
	case "tools/call", "prompts/get", "resources/read":
		return matchField(h, headerName, m.Name, true)
	}
	return nil
}

func matchField(h http.Header, name, want string, must bool) error {
	values := h.Values(name)
	switch {
	case len(values) == 0 && !must:
		return nil
	case len(values) == 0:
		return &ostiary.Error{Code: ostiary.CodeWireHeader, Message: "the header field " + name + " is missing: send what the message says in its body"}
	case len(values) > 1:
		return &ostiary.Error{Code: ostiary.CodeWireHeader, Message: "the header field " + name + " is there more than once: send it once"}
	}
	if got, ok := fieldText(values[0]); !ok || got != want {
		return &ostiary.Error{Code: ostiary.CodeWireHeader, Message: "the header field " + name + " does not say what the body says: send the same in both"}
	}
	return nil
}
