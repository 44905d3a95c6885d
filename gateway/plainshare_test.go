package gateway

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary/egress"
	"github.com/ostiary/ostiary/wire"
)

// Principals with the same ids call at once over the connections of one client without
// TLS, and some leave at any moment: whoever gets an answer gets his own, also where
// those before were withdrawn in the middle of theirs.
func TestPrincipalsShareConnectionsAndNoAnswers(t *testing.T) {
	network, err := egress.New(egress.Options{AllowPrivate: []string{"127.0.0.1"}, Stream: true})
	if err != nil {
		t.Fatal(err)
	}
	var mine *http.Client
	w := openWeb(t, rows(), func(o *HTTPOptions, s *site) {
		mine = network.Client()
		o.Door.Remote.Client = mine
		s.handle = func(w http.ResponseWriter, _ *http.Request, m *wire.Message) {
			said, _ := wire.Member(m.Arguments, "text")
			text := strings.Trim(string(said), `"`) + strings.Repeat(".", rand.IntN(3000))
			if rand.IntN(4) == 0 {
				sayEvents(w, "data: "+answer(string(m.ID), text)+"\n\n")
				return
			}
			sayJSON(w, answer(string(m.ID), text))
		}
	})
	defer mine.CloseIdleConnections()
	var all sync.WaitGroup
	for p := range 6 {
		all.Go(func() {
			got := 0
			for i := range 60 {
				ctx, leave := context.WithCancel(t.Context())
				if i%3 == 0 {
					time.AfterFunc(time.Duration(rand.IntN(2000))*time.Microsecond, leave)
				}
				word := fmt.Sprintf("p%d-i%d-", p, i)
				r := w.request(ctx, http.MethodPost, readOf(word), "Who", fmt.Sprintf("p%d", p),
					"Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call", "Mcp-Name", "read")
				resp, err := w.client.Do(r)
				if err == nil {
					var body []byte
					body, err = io.ReadAll(resp.Body)
					resp.Body.Close()
					if err == nil && strings.Contains(string(body), word) {
						got++
					} else if err == nil && ctx.Err() == nil {
						t.Errorf("%s got %.300s", word, body)
					}
				}
				leave()
			}
			if got < 30 {
				t.Errorf("control: p%d got %d answers", p, got)
			}
		})
	}
	all.Wait()
}

func readOf(text string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","arguments":{"text":%q},`+
		`"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`, text)
}
