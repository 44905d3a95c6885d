package nonblock_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ostiary/ostiary/internal/nonblock"
)

func TestDisk(t *testing.T) {
	for magic, want := range map[uint32]bool{
		unix.EXT4_SUPER_MAGIC: true, unix.XFS_SUPER_MAGIC: true, unix.TMPFS_MAGIC: true, 0: false,
		unix.OVERLAYFS_SUPER_MAGIC: false, unix.FUSE_SUPER_MAGIC: false, unix.NFS_SUPER_MAGIC: false, unix.AUTOFS_SUPER_MAGIC: false,
	} {
		if nonblock.Disk(magic) != want {
			t.Errorf("%#x: %t", magic, !want)
		}
	}
}
