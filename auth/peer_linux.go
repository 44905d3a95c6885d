package auth

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
)

// OSPeer asks the kernel who started this process. proc is the mounted proc file
// system, "/proc".
func OSPeer(proc string) (Peer, error) {
	uid := strconv.Itoa(os.Getuid())
	p := Peer{UID: uid, User: uidOrName(passwdName("/etc/passwd", uid), uid)}
	// The parent may end while we look, and its id may go to another process: what
	// was read counts only if it is still the parent afterwards.
	for range 3 {
		parent := os.Getppid()
		err := p.look(proc, parent)
		if os.Getppid() != parent {
			continue
		}
		if err != nil {
			return Peer{}, nobody(err)
		}
		return p, nil
	}
	return Peer{}, nobody(errors.New("the parent process keeps changing"))
}

// look fills in what is known of the parent.
func (p *Peer) look(proc string, parent int) error {
	kind := "pid"
	dir := filepath.Join(proc, strconv.Itoa(parent))
	if parent == 0 { // it lives outside our namespace of process ids
		kind, parent, dir = "self", os.Getpid(), filepath.Join(proc, "self")
	}
	b, err := readSmall(filepath.Join(dir, "stat"))
	if err != nil {
		return err
	}
	pid, comm, start, err := parseStat(b)
	if err != nil {
		return fmt.Errorf("%s/stat: %w", dir, err)
	}
	if pid != parent {
		return fmt.Errorf("%s/stat speaks of process %d", dir, pid)
	}
	p.Session = kind + ":" + strconv.Itoa(pid) + "@" + strconv.FormatUint(start, 10)
	if kind == "self" {
		p.Client = ""
		return nil
	}
	// The link is not readable for a parent of another user or one that is
	// protected from tracing.
	if p.Client, err = os.Readlink(filepath.Join(dir, "exe")); err != nil {
		p.Client = "comm:" + strconv.QuoteToGraphic(comm)
	}
	return nil
}

func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, 64<<10))
}
