package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ostiary/ostiary/auth"
)

// fullDoorway is a doorway whose state is on a small disk of its own.
func fullDoorway(t *testing.T) *doorway {
	t.Helper()
	d := newDoorway(t, "version: 1\nrules: [{tool: \"*/echo\", effect: read, world: closed}]\n")
	if err := os.Mkdir(d.state, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("none", d.state, "tmpfs", 0, "size=48m,mode=0700"); err != nil {
		t.Skipf("SKIPPED, no full file system was tested: cannot mount a tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(d.state, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return d
}

// fill leaves so many bytes on the disk, and returns what makes space again.
func (d *doorway) fill(left int64) (clear func()) {
	d.t.Helper()
	path := filepath.Join(d.state, "filler")
	f, err := os.Create(path)
	if err != nil {
		d.t.Fatal(err)
	}
	for block := make([]byte, 64<<10); err == nil; {
		_, err = f.Write(block)
	}
	info, looked := f.Stat()
	if looked != nil || !errors.Is(err, unix.ENOSPC) {
		d.t.Fatal(err, looked)
	}
	if err := errors.Join(f.Truncate(info.Size()-left), f.Close()); err != nil {
		d.t.Fatal(err)
	}
	return func() {
		d.t.Helper()
		if err := os.Remove(path); err != nil {
			d.t.Fatal(err)
		}
	}
}

// kept says whether space is kept, and that it is space and nobody else's.
func (d *doorway) kept() bool {
	d.t.Helper()
	var st unix.Stat_t
	err := unix.Lstat(filepath.Join(d.state, "reserve"), &st)
	if errors.Is(err, unix.ENOENT) {
		return false
	}
	if err != nil || st.Mode&0o777 != 0o600 || st.Size != 8<<20 || st.Blocks*512 < st.Size {
		d.t.Errorf("%+v, %v", st, err)
	}
	return true
}

func (d *doorway) dropKept() {
	d.t.Helper()
	if err := os.Remove(filepath.Join(d.state, "reserve")); err != nil {
		d.t.Fatal(err)
	}
}

// strict runs a command that makes things stricter on the full disk.
func (d *doorway) strict(args ...string) (out string, ok bool) {
	b, err := exec.Command("ostiary", append(args, "--state", d.state, "--reason", "stop")...).CombinedOutput()
	return string(b), err == nil
}

// Who fills the disk cannot keep the operator from a freeze: a door goes on in the
// space of its log, and the freeze has space of its own. Without it there is none.
func TestFreezeOnAFullDisk(t *testing.T) {
	peer, err := auth.OSPeer("/proc")
	if err != nil {
		t.Fatal(err)
	}
	const used = "clear the disk"
	for _, c := range []struct {
		name string
		left int64
		args []string
		lift []string
		lack string // of what fails without it
	}{
		{"freeze", 0, []string{"freeze", "--all"}, []string{"--all"}, "cannot make the first segment"},
		{"freeze, space for its log only", 4 << 20, []string{"freeze", "--all"}, []string{"--all"}, "cannot commit"},
		{"revoke", 0, []string{"revoke", "--freeze", "--principal", peer.User}, []string{"--principal", peer.User}, "cannot make the first segment"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := fullDoorway(t)
			door, _ := d.open("one")
			d.becomes("before", door, "")
			if !d.kept() {
				t.Fatal("the door kept no space")
			}

			// The control: nothing was kept.
			d.dropKept()
			clearDisk := d.fill(c.left)
			if out, ok := d.strict(c.args...); ok || strings.Contains(out, used) || !strings.Contains(out, c.lack) {
				t.Fatalf("it needed no kept space: %s", out)
			}
			d.becomes("on a full disk", door, "")

			// Who opens the log next keeps it again, when there is space.
			clearDisk()
			d.command("freeze", "--tool", "no/such", "--reason", "stop")
			if !d.kept() {
				t.Fatal("it was not kept again")
			}
			clearDisk = d.fill(c.left)
			out, ok := d.strict(c.args...)
			if !ok || strings.Count(out, used) != 1 {
				t.Errorf("%v: %s", ok, out)
			}
			if d.kept() {
				t.Error("what was used is still there")
			}
			d.becomes("frozen on a full disk", door, "freeze_active")

			clearDisk()
			d.command(append([]string{"unfreeze", "--reason", "go on"}, c.lift...)...)
			d.becomes("lifted", door, "")
			d.command("audit", "verify")
		})
	}
}

// No door has files of the store open, which then need space too.
func TestFreezeOnAFullDiskWithoutADoor(t *testing.T) {
	d := fullDoorway(t)
	door, _ := d.open("one")
	d.becomes("before", door, "")
	if err := door.Close(); err != nil {
		t.Fatal(err)
	}
	clearDisk := d.fill(0)
	out, ok := d.strict("freeze", "--all")
	if !ok || !strings.Contains(out, "clear the disk") {
		t.Errorf("%v: %s", ok, out)
	}
	clearDisk()
	door, _ = d.open("one")
	d.becomes("in a later door", door, "freeze_active")
	if !d.kept() {
		t.Error("the door did not keep it again")
	}
	d.command("audit", "verify")
}
