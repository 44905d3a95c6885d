//go:build unix && !linux

package gateway

import "syscall"

// ownGroup makes a process group that signals reach as a whole. This system has
// no parent-death signal: if the door is killed, the server sees its standard
// input close.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func terminateGroup(pid int) error { return syscall.Kill(-pid, syscall.SIGTERM) }

func killGroup(pid int) error { return syscall.Kill(-pid, syscall.SIGKILL) }
