package wire_test

import (
	"fmt"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

func ExampleParse() {
	m, err := wire.Parse([]byte(`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"read_file","arguments":{"path":"a.txt"}}}`), wire.Limits{})
	fmt.Println(err)
	fmt.Println(m.Kind, m.Method, m.Name, string(m.Arguments), m.Key, m.Era)

	// To some parsers the second path is the one that counts.
	_, err = wire.Parse([]byte(`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"read_file","arguments":{"path":"a.txt","PATH":"/etc/shadow"}}}`), wire.Limits{})
	fmt.Println(ostiary.AsError(err).Code)
	// Output:
	// <nil>
	// request tools/call read_file {"path":"a.txt"} n:7 legacy
	// wire_duplicate_key
}
