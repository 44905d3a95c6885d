package pin

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"testing"

	"github.com/ostiary/ostiary"
)

// keyed is who answers over TLS with this key.
func keyed(key string) Identity {
	return Peer("https://notes.example/mcp", &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{RawSubjectPublicKeyInfo: []byte(key)}}})
}

// TestAnotherKeyAsksNobody: to ask about a call its server must be asked for its tools,
// with the credential. The positive control is a program, about which a person is asked.
func TestAnotherKeyAsksNobody(t *testing.T) {
	for _, ask := range []bool{false, true} {
		h := newHouse(t, func(o *Options) {
			if ask {
				o.Changed = Ask
			}
		})
		h.see("notes", keyed("A"), readTool)
		if err := h.pins.Meet(t.Context(), "notes", keyed("A")); err != nil {
			t.Errorf("who was accepted is refused: %v", err)
		}
		if err := h.pins.Meet(t.Context(), "notes", keyed("B")); !errors.Is(err, ostiary.CodePinUpstream) {
			t.Errorf("asks %t: another key is met: %v", ask, err)
		}
		d := h.refused(ostiary.CodePinUpstream, "notes", keyed("B"), readTool)
		h.allowed("notes", keyed("A"), readTool)
		if done := h.accept(Accept{Upstream: "notes"}); len(done) != 1 || done[0].Now.Text != keyed("B").String() {
			t.Errorf("accepted: %+v, after %q", done, d.Message)
		}
		if err := h.pins.Meet(t.Context(), "notes", keyed("B")); err != nil {
			t.Errorf("what was accepted is refused: %v", err)
		}
		h.refused(ostiary.CodePinUpstream, "notes", keyed("A"), readTool)

		h.see("files", files, readTool)
		if d := h.check("files", Program([]string{"/x"}, "/"), readTool); ask != (d.Verdict == ostiary.Ask) {
			t.Errorf("control: asks %t: %+v", ask, d)
		}
	}
}
