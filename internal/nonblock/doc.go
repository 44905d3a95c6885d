// Package nonblock reads and writes pipes and sockets that never block by system calls of
// which Go's scheduler is not told.
//
// [syscall.Read] and the others announce themselves, since a thread may be gone for long in
// them. While any such call comes, a thread of the runtime wakes up and looks every 20 µs
// whether somebody must take over; it takes the processor of a call that does no more than
// copy, and wakes another thread for it. A fifth of what the door uses went there. What does
// not block comes back at once, so nobody need look.
//
// It promises that nothing waits in such a call for what the other side sends or takes: a
// descriptor that blocks, or that others hold too and may let block, is left to package os. It
// waits in the runtime's poller, as package net does, with its deadlines. Files of a disk are
// not for it; see audit's own for those. Under other systems than Linux, and in builds for the
// race detector, which sees order in announced calls alone, the calls are those of package
// syscall.
package nonblock
