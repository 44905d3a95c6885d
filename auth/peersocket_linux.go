package auth

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// SocketPeer asks the kernel who connected to a Unix socket: the user, and the
// process with what started it. The client is the process that started the one at
// the other end, as it is over stdio, so that all `ostiary connect` of one client
// are one session; a process that the system's first one has is its own client.
// proc is the mounted proc file system, "/proc".
func SocketPeer(c *net.UnixConn, proc string) (Peer, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return Peer{}, unseen(err)
	}
	var cred *unix.Ucred
	var held int
	var credErr, heldErr error
	if err := raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
		held, heldErr = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PEERPIDFD)
	}); err != nil {
		return Peer{}, unseen(err)
	}
	if heldErr == nil {
		defer unix.Close(held) //nolint:errcheck // it was only looked at
	}
	if credErr != nil {
		return Peer{}, unseen(credErr)
	}
	if overflow(proc) == cred.Uid {
		return Peer{}, unseen(errors.New("the user has no number in this namespace"))
	}
	if cred.Pid <= 0 {
		return Peer{}, unseen(errors.New("the process lives in another namespace"))
	}
	uid := strconv.FormatUint(uint64(cred.Uid), 10)
	p := Peer{UID: uid, User: uidOrName(passwdName("/etc/passwd", uid), uid)}
	if err := p.lookBehind(proc, int(cred.Pid)); err != nil {
		return Peer{}, unseen(err)
	}
	// A process id counts only as long as its process lives: another may have it now.
	// The kernel holds the process itself for us since Linux 6.5.
	if heldErr == nil && ended(held) {
		return Peer{}, unseen(errors.New("the process that connected has ended"))
	}
	return p, nil
}

// lookBehind fills in what is known of the process that started this one.
func (p *Peer) lookBehind(proc string, pid int) error {
	for range 3 {
		parent, err := parentOf(proc, pid)
		if err != nil {
			return err
		}
		if parent <= 1 {
			return p.look(proc, pid)
		}
		err = p.look(proc, parent)
		again, gone := parentOf(proc, pid)
		switch {
		case gone != nil:
			return gone
		case again == parent:
			return err
		}
	}
	return errors.New("the parent process keeps changing")
}

// parentOf reads the fourth field of /proc/PID/stat, see proc_pid_stat(5).
func parentOf(proc string, pid int) (int, error) {
	b, err := readSmall(filepath.Join(proc, strconv.Itoa(pid), "stat"))
	if err != nil {
		return 0, err
	}
	if id, _, _, err := parseStat(b); err != nil || id != pid {
		return 0, fmt.Errorf("/proc/%d/stat does not speak of that process", pid)
	}
	s := string(b)
	return strconv.Atoi(strings.Fields(s[strings.LastIndex(s, ") ")+2:])[1])
}

// overflow is the number that stands for all users whom a namespace does not know.
func overflow(proc string) uint32 {
	b, err := readSmall(filepath.Join(proc, "sys/kernel/overflowuid"))
	if err == nil {
		if n, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 32); err == nil {
			return uint32(n)
		}
	}
	return 65534
}

func ended(pidfd int) bool {
	fds := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, 0)
	return err != nil || n > 0
}

// otherUser reports whether a user is neither the one of this process nor root,
// who can do all that we can.
func otherUser(p Peer) bool {
	return p.UID != "" && p.UID != "0" && p.UID != strconv.Itoa(os.Geteuid())
}
