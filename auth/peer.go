package auth

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/ostiary/ostiary"
)

// Entry is one row of principals: in the configuration.
type Entry struct {
	// Name is the principal's id in rules, limits and records.
	Name string
	// User is the operating-system user: a name, or "uid:1000" where a directory
	// service keeps the names.
	User   string
	Scopes []string
}

// Peer is what the operating system says of the other end of our stdio.
type Peer struct {
	// User is the name of this process's real user id, or "uid:1000" where the
	// local user database has none.
	User string
	// UID is the real user id, in digits (a SID on Windows).
	UID string
	// Client is the executable of the parent process; where the system does not
	// show it, "comm:" and the name that the process gave itself; "" if unknown.
	Client string
	// Session names the parent process: "pid:17@4711", its id and its start time
	// in clock ticks since boot. Where the parent is out of sight (in another
	// namespace of process ids) it names this process: "self:1@4711".
	Session string
}

// Stdio makes the principal and the session of a door that speaks over stdio.
// proc is the mounted proc file system, "/proc". A user without an entry is
// known by the name of the user and holds no scopes. Two entries for the user, or
// an entry that gives the user's name to somebody else, are CodeConfigInvalid; a
// user or parent that the system does not tell is CodeAuthNobody.
func Stdio(entries []Entry, proc string) (ostiary.Principal, string, error) {
	peer, err := OSPeer(proc)
	if err != nil {
		return ostiary.Principal{}, "", err
	}
	p, err := principal(entries, peer)
	if err != nil {
		return ostiary.Principal{}, "", err
	}
	return p, peer.Session, nil
}

func principal(entries []Entry, peer Peer) (ostiary.Principal, error) {
	users, names := map[string]string{}, map[string]bool{}
	var mine *Entry
	for i := range entries {
		e := &entries[i]
		switch {
		case e.Name == "" || e.User == "":
			return ostiary.Principal{}, invalid("principals: each needs a name and a user: write  name: {user: NAME}")
		case names[e.Name]:
			return ostiary.Principal{}, invalid(fmt.Sprintf("principals: %s is there twice: keep one", e.Name))
		case users[e.User] != "":
			return ostiary.Principal{}, invalid(fmt.Sprintf("principals: %s and %s are both the user %s: keep one", users[e.User], e.Name, e.User))
		}
		users[e.User], names[e.Name] = e.Name, true
		if e.User != peer.User && e.User != "uid:"+peer.UID {
			continue
		}
		if mine != nil {
			return ostiary.Principal{}, invalid(fmt.Sprintf("principals: %s and %s are both the user %s (uid:%s): keep one", mine.Name, e.Name, peer.User, peer.UID))
		}
		mine = e
	}
	if mine != nil {
		return ostiary.Principal{ID: mine.Name, Client: peer.Client, Scopes: append([]string(nil), mine.Scopes...)}, nil
	}
	// Without this check alice would get the limits, the records and one day the
	// grants of somebody whom the configuration calls alice.
	if names[peer.User] {
		return ostiary.Principal{}, invalid(fmt.Sprintf("principals: %s is the name of another user's row, and the user %s has none: add a row with  user: %s  or rename that one", peer.User, peer.User, peer.User))
	}
	return ostiary.Principal{ID: peer.User, Client: peer.Client}, nil
}

// maxPasswd bounds the user database that is read.
const maxPasswd = 16 << 20

// passwdName finds the name of a user id in a file such as /etc/passwd. It is
// used instead of os/user because that package believes $USER when it was built
// without cgo and the user is not in the file.
func passwdName(path, uid string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for read := 0; lines.Scan() && read < maxPasswd; read += len(lines.Bytes()) + 1 {
		fields := strings.Split(lines.Text(), ":")
		if len(fields) == 7 && fields[2] == uid && fields[0] != "" && !strings.ContainsAny(fields[0][:1], "+-#") {
			return fields[0]
		}
	}
	return ""
}

// uidOrName is the name that principals and records use.
func uidOrName(name, uid string) string {
	if name == "" {
		return "uid:" + uid
	}
	return name
}

// parseStat reads the parts that identify a process from /proc/PID/stat, see
// proc_pid_stat(5): the id is the first field, the start time the 22nd. The
// second is the process's own name in parentheses; it may hold spaces, newlines
// and parentheses, so that only its last closing one counts.
func parseStat(b []byte) (pid int, comm string, start uint64, err error) {
	s := string(b)
	open, end := strings.Index(s, " ("), strings.LastIndex(s, ") ")
	if open < 0 || end < open+2 {
		return 0, "", 0, errors.New("no process name")
	}
	if pid, err = strconv.Atoi(s[:open]); err != nil || pid < 1 {
		return 0, "", 0, errors.New("no process id")
	}
	rest := strings.Fields(s[end+2:]) // from the third field on
	if len(rest) < 20 {
		return 0, "", 0, errors.New("too few fields")
	}
	if start, err = strconv.ParseUint(rest[22-3], 10, 64); err != nil {
		return 0, "", 0, errors.New("no start time")
	}
	return pid, s[open+2 : end], start, nil
}

func invalid(message string) error {
	return &ostiary.Error{Code: ostiary.CodeConfigInvalid, Message: message}
}

func nobody(err error) error {
	return &ostiary.Error{
		Code: ostiary.CodeAuthNobody, Err: err,
		Message: "the operating system does not tell which user and which program this door talks to, so it stays closed: start it from the client, with /proc mounted",
	}
}
