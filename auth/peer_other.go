//go:build !linux

package auth

import (
	"errors"
	"os"
	"os/user"
	"runtime"
	"strconv"
)

// OSPeer asks the system who started this process. Without /proc the start time
// of the parent is not known, and the session says so; proc is not used.
func OSPeer(proc string) (Peer, error) {
	var p Peer
	switch runtime.GOOS {
	case "darwin", "windows":
		// Here os/user asks the system in every build, never the environment.
		u, err := user.Current()
		if err != nil {
			return Peer{}, nobody(err)
		}
		p = Peer{UID: u.Uid, User: u.Username}
	default:
		p.UID = strconv.Itoa(os.Getuid())
		p.User = passwdName("/etc/passwd", p.UID)
	}
	if p.UID == "" || p.UID == "-1" {
		return Peer{}, nobody(errors.New("no user id"))
	}
	p.User = uidOrName(p.User, p.UID)
	p.Session = "pid:" + strconv.Itoa(os.Getppid()) + "@unknown"
	return p, nil
}
