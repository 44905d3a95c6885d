package main

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestUnwritten(t *testing.T) {
	const maps = `00400000-017d2000 r-xp 00000000 fe:00 1 /opt/ost iary
Size:              20296 kB
Rss:               16584 kB
Anonymous:             0 kB
017d2000-02d98000 r--p 013d2000 fe:00 1 /opt/ost iary
Rss:               16152 kB
Anonymous:             4 kB
02d98000-03078000 rw-p 02998000 fe:00 1 /opt/ost iary
Anonymous:             0 kB
03078000-03079000 r--s 02998000 fe:00 1 /opt/ost iary
Anonymous:             0 kB
14d47fc00000-14d480c00000 r--p 00000000 00:00 0
Anonymous:             0 kB
7f65d52cf000-7f65d538f000 r-xp 00000000 fe:00 2 /lib/libc.so.6
Anonymous:             0 kB
7f65d538f000-7f65d53ff000 r--p 00000000 fe:00 2 /opt/ost iary
Anonymous:             0 kB
VmFlags: rd mr mw me
`
	parts, err := unwritten(strings.NewReader(maps), "/opt/ost iary")
	if want := []part{{0x400000, 0x17d2000}, {0x7f65d538f000, 0x7f65d53ff000}}; err != nil || !slices.Equal(parts, want) {
		t.Errorf("got %x, %v; want %x", parts, err, want)
	}
	if _, err := unwritten(strings.NewReader("4x-5 r--p 0 0 0 /opt/ostiary\n"), "/opt/ostiary"); err == nil {
		t.Error("an address that is none was taken")
	}
}

// TestLeaveProgram leaves the program that runs the tests, which goes on.
func TestLeaveProgram(t *testing.T) {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	maps, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	defer maps.Close()
	if parts, err := unwritten(maps, program); err != nil || len(parts) < 2 {
		t.Errorf("the program stands at %x, %v; want its code and its constants", parts, err)
	}
	for range 3 {
		if err := leaveProgram(); err != nil {
			t.Fatal(err)
		}
	}
}
