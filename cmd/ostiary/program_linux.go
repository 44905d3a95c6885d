package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// leaveProgram lets go of the pages of the program itself that this process has
// mapped. What it goes on using comes back by itself, from the file or the system's
// cache of it; what initialised packages and compiled rules does not, and so the
// system may use its place. Nothing is lost: these pages cannot be written.
func leaveProgram() error {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return err
	}
	maps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return err
	}
	parts, err := unwritten(maps, program)
	err = errors.Join(err, maps.Close())
	for _, p := range parts {
		if _, _, failed := unix.Syscall(unix.SYS_MADVISE, p.start, p.end-p.start, unix.MADV_DONTNEED); failed != 0 {
			err = errors.Join(err, failed)
		}
	}
	return err
}

// part is where a part of a file is mapped.
type part struct{ start, end uintptr }

// unwritten reads a file like /proc/PID/smaps and returns where program is mapped
// and cannot be written. A part of which a page is private is left out: a debugger or
// a tracer has put something into it that the file has not.
func unwritten(maps io.Reader, program string) ([]part, error) {
	var parts []part
	var here part
	meant := false
	lines := bufio.NewScanner(maps)
	for lines.Scan() {
		line := lines.Text()
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		if low, high, ok := strings.Cut(fields[0], "-"); ok {
			start, wrong := strconv.ParseUint(low, 16, 64)
			end, alsoWrong := strconv.ParseUint(high, 16, 64)
			if err := errors.Join(wrong, alsoWrong); err != nil {
				return nil, err
			}
			here = part{uintptr(start), uintptr(end)}
			meant = len(fields) >= 6 && strings.HasPrefix(fields[1], "r-") && strings.HasSuffix(fields[1], "p") &&
				strings.HasSuffix(line, " "+program)
		}
		if meant && fields[0] == "Anonymous:" && fields[1] == "0" {
			parts = append(parts, here)
		}
	}
	return parts, lines.Err()
}
