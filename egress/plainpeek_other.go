//go:build !unix

package egress

import "net"

// canPeek says that quiet can tell: without, all is left to [http.Transport].
const canPeek = false

func quiet(net.Conn) bool { return false }
