package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime is the user and system time of a process so far, its children left out,
// as the scheduler counts it.
func cpuTime(pid int) (time.Duration, error) {
	var t unix.Timespec
	// The clock of another process, named as clock_getcpuclockid(3) does.
	if err := unix.ClockGettime(int32(^pid)<<3|2, &t); err != nil { //nolint:gosec // a pid fits
		return 0, fmt.Errorf("the clock of process %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
}

// resident is the resident memory of a process in MB (10⁶ bytes).
func resident(pid int) (float64, error) { return memory(pid, "VmRSS:") }

// residentPeak is the most that was ever resident.
func residentPeak(pid int) (float64, error) { return memory(pid, "VmHWM:") }

func memory(pid int, field string) (float64, error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), field); ok {
			kib, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 64)
			return kib * 1024 / 1e6, err
		}
	}
	return 0, fmt.Errorf("/proc/%d/status names no resident memory", pid)
}
