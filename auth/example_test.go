package auth_test

import (
	"fmt"

	"github.com/ostiary/ostiary/auth"
)

func Example() {
	peer, err := auth.OSPeer("/proc")
	if err != nil {
		fmt.Println(err)
		return
	}
	rows := []auth.Entry{{Name: "me", User: peer.User, Scopes: []string{"fs:read"}}}
	who, session, err := auth.Stdio(rows, "/proc")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(who.ID, who.Scopes, session == peer.Session)
	// Output: me [fs:read] true
}
