package gateway

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/wire"
)

// The recorder keeps 200 runes of a result behind its redactor. A secret that
// begins within them must reach it whole, or it is not found.
func TestLaw6ASecretReachesTheRecorderWhole(t *testing.T) {
	secret := "Zq8v" + strings.Repeat("x7", 150)
	for _, body := range []string{
		`"result":{"content":[{"type":"text","text":%q}]}`,
		`"error":{"code":-32000,"message":%q}`,
	} {
		text := strings.Repeat("é", 190) + secret
		m, err := wire.Parse([]byte(fmt.Sprintf(`{"jsonrpc":"2.0","id":1,`+body+`}`, text)), wire.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if got := resultOf(m).Text; got != text {
			t.Errorf("%d of %d bytes: %q", len(got), len(text), got)
		}
	}
}
