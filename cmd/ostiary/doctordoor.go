package main

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/auth"
)

// door looks at a door from the client's side: whether it answers, who this user is
// to it, and whether it is out of this user's reach.
func (x *examination) door(ctx context.Context, socket string) {
	d, err := reach(socket, "")
	if err != nil {
		x.wrong("door", err)
		return
	}
	defer d.client.CloseIdleConnections()
	if d.socket == "" {
		x.say("door", isWrong, "name its socket, or run the doctor as its user", "%s is no socket, and only by one the kernel shows who runs the door", d.name)
		return
	}
	x.Policy, x.State = "", ""
	peer, err := listener(ctx, d.socket)
	switch {
	case errors.Is(err, fs.ErrPermission):
		x.say("door", isWrong, "ask its operator to add this user to the group of the socket, then sign in anew", "this user may not connect to %s", d.socket)
		return
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		x.say("door", isWrong, "start it there with `ostiary serve --socket`", "nobody listens at %s", d.socket)
		return
	case err != nil:
		x.wrong("door", err)
		return
	}
	list, err := d.index(ctx)
	if err != nil {
		x.wrong("door", err)
		return
	}
	var names []string
	for _, s := range list.Servers {
		names = append(names, s.Name)
	}
	x.say("door", isFine, "", "%s is the door of the user %s; to it this user is %s, and its servers are %s", d.socket, peer.User, list.Principal, strings.Join(names, ", "))
	x.replaceable(d.socket)
	x.powers()
	x.apart(peer, list.Custody)
}

// listener is who listens at a socket, by the word of the kernel.
func listener(ctx context.Context, path string) (auth.Peer, error) {
	conn, err := (&net.Dialer{}).DialUnix(ctx, "unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return auth.Peer{}, err
	}
	defer conn.Close() //nolint:errcheck // nothing was written
	return auth.SocketPeer(conn, "/proc")
}

// apart compares what the door says of custody with what the kernel says here.
func (x *examination) apart(peer auth.Peer, said string) {
	seen := audit.CustodySameUser
	if me := os.Geteuid(); me != 0 && peer.UID != strconv.Itoa(me) {
		seen = audit.CustodySeparate
	}
	switch {
	case custodies[said] == "" || said != seen:
		x.say("custody", isWrong, "ask its operator which program listens there", "the door says %q, and the kernel shows %s", said, seen)
	case seen == audit.CustodySameUser:
		x.say("custody", isWarn, "let another user run the door: docs/guides/separate-custody.md", "same-user: %s", custodies[seen])
	default:
		x.Custody = seen
		x.say("custody", isFine, "", "separate: %s", custodies[seen])
	}
}

// replaceable says if this user could put another socket into the place of the
// door's.
func (x *examination) replaceable(socket string) {
	if os.Geteuid() == 0 {
		return // root can, and custody says so
	}
	const writable = 2 // W_OK of access(2)
	for dir := filepath.Dir(socket); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		sticky := err == nil && info.Mode()&fs.ModeSticky != 0 && dir != filepath.Dir(socket)
		if err == nil && !sticky && syscall.Access(dir, writable) == nil {
			x.say("socket", isWrong, "move the socket where only the door's user and root can write", "this user can write %s, and so put another socket into the place of the door's", dir)
			return
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	x.say("socket", isFine, "", "this user cannot put another socket into its place")
}

// powerful are groups whose members become any user without being asked by us.
var powerful = []string{"root", "sudo", "wheel", "admin", "docker", "lxd", "incus", "libvirt", "disk", "shadow"}

func (x *examination) powers() {
	if os.Geteuid() == 0 {
		return
	}
	groups, err := os.Getgroups()
	if err != nil {
		x.say("groups", isWarn, "look at them with `id`", "the groups of this user are not known")
		return
	}
	var found []string
	for _, g := range append(groups, os.Getegid()) {
		one, err := user.LookupGroupId(strconv.Itoa(g))
		if err == nil && slices.Contains(powerful, one.Name) && !slices.Contains(found, one.Name) {
			found = append(found, one.Name)
		}
	}
	if len(found) > 0 {
		x.say("groups", isWarn, "run the agent as a user without them", "this user is a member of %s, by which it may become the door's user or root", strings.Join(found, ", "))
	}
}
