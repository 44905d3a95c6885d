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
// An empty field could be taken for none, so nothing is written that way too.
func headerText(s string) string {
	plain := s != "" && strings.TrimSpace(s) == s && !strings.HasPrefix(s, "=?base64?")
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
	inner, begins := strings.CutPrefix(v, "=?base64?")
	inner, ends := strings.CutSuffix(inner, "?=")
	if !begins || !ends {
		return v, true
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
	if hasName(m.Method) {
		return matchField(h, headerName, m.Name, true)
	}
	return nil
}

// agrees is matches for a message of a session, whose header need not repeat it:
// what is there must be right all the same.
func agrees(h http.Header, m *wire.Message) error {
	if m.Era == wire.EraModern {
		return matches(h, m)
	}
	if err := sessionVersion(h); err != nil {
		return err
	}
	if err := matchField(h, headerMethod, m.Method, false); err != nil {
		return err
	}
	return matchField(h, headerName, m.Name, false)
}

// sessionVersion checks the revision that the header of a request of a session
// names (MCP 2025-06-18 and later, transports): one that is unknown, or without
// sessions, is refused. Older clients name none.
func sessionVersion(h http.Header) error {
	values := h.Values(headerVersion)
	if len(values) == 0 {
		return nil
	}
	if len(values) > 1 {
		return &ostiary.Error{Code: ostiary.CodeWireHeader, Message: "the header field " + headerVersion + " is there more than once: send it once"}
	}
	switch era, known := wire.EraOf(values[0]); {
	case !known:
		return unknownVersion(values[0])
	case era == wire.EraModern:
		return &ostiary.Error{Code: ostiary.CodeWireHeader,
			Message: "the header field " + headerVersion + " names a revision without sessions, and the request belongs to one: send the revision that the handshake agreed on"}
	}
	return nil
}

// hasName reports whether the header of a request names what it is about (MCP
// 2026-07-28, transports and tasks extension).
func hasName(method string) bool {
	switch method {
	case "tools/call", "prompts/get", "resources/read", "tasks/get", "tasks/update", "tasks/cancel":
		return true
	}
	return false
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
