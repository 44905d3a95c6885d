package egress_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/egress"
)

func Example() {
	d, err := egress.New(egress.Options{
		AllowPrivate: []string{"10.20.0.0/16"},
		// DNS that an attacker answers: the name leads into the machine.
		Resolve: func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "https://hooks.example/x", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := d.Client().Do(r)
	if err == nil {
		resp.Body.Close()
	}
	fmt.Println(errors.Is(err, ostiary.CodeEgressAddress))
	fmt.Println(ostiary.AsError(err).Message)
	// Output:
	// true
	// the host leads to an address that the door does not connect to; if it is meant, the operator lists it in allow_private
}
