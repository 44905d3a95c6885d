package auth_test

import (
	"fmt"
	"net/http/httptest"
	"time"

	"github.com/ostiary/ostiary"
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

// A door for those who hold a token, and what it says to one who holds none.
func ExampleAuthenticator() {
	files, err := auth.NewResource(auth.ResourceOptions{
		URL: "https://door.example/files/mcp", AuthorizationServers: []string{"https://issuer.example"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	door, err := auth.New(auth.Options{Clock: time.Now})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _, err = door.Authenticate(httptest.NewRequest("POST", "/files/mcp", nil))
	status, headers := files.Challenge(err, []string{"fs:read"})
	fmt.Println(ostiary.AsError(err).Code, status)
	fmt.Println(headers.Get("WWW-Authenticate"))
	// Output:
	// auth_missing 401
	// Bearer scope="fs:read", resource_metadata="https://door.example/.well-known/oauth-protected-resource/files/mcp"
}
