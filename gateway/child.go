package gateway

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"time"

	"github.com/ostiary/ostiary"
)

// Server is a running upstream as the door sees it.
type Server interface {
	// In takes messages, Out gives them; both are lines of JSON.
	In() io.WriteCloser
	Out() io.Reader
	// Exited is closed when the server has ended.
	Exited() <-chan struct{}
	// Ending says how, for people; valid after Exited.
	Ending() string
	// Stop closes In, waits, and makes the server end by force if it must.
	Stop(patience time.Duration)
}

// child is the server's process.
type child struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *os.File
	exited chan struct{} // closed when the process was reaped
	err    error         // valid after exited
}

var _ Server = (*child)(nil)

func (c *child) In() io.WriteCloser      { return c.in }
func (c *child) Out() io.Reader          { return c.out }
func (c *child) Exited() <-chan struct{} { return c.exited }

// drainTime is how long what a dead server left in its pipes is still read.
const drainTime = time.Second

// childOptions say what to start.
type childOptions struct {
	Command []string
	Dir     string
	Env     []string
	Stderr  io.Writer
}

// startChild starts the server in a process group of its own. The process dies
// with the thread that started it (PR_SET_PDEATHSIG), so that thread is kept for
// as long as the process lives.
func startChild(o childOptions) (*child, error) {
	if len(o.Command) == 0 {
		return nil, &ostiary.Error{Code: ostiary.CodeGatewayUpstream,
			Message: "no server to start: write its command behind --, as in `ostiary run -- node server.js`"}
	}
	c := &child{exited: make(chan struct{})}
	c.cmd = exec.Command(o.Command[0], o.Command[1:]...)
	c.cmd.Dir = o.Dir
	c.cmd.Env = o.Env
	c.cmd.Stderr = o.Stderr
	c.cmd.SysProcAttr = ownGroup()
	// A grandchild that keeps the pipe open must not keep us waiting.
	c.cmd.WaitDelay = drainTime
	var err error
	var w *os.File
	if c.out, w, err = os.Pipe(); err != nil {
		return nil, startError(o.Command[0], err)
	}
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, startError(o.Command[0], errors.Join(err, c.out.Close(), w.Close()))
	}
	c.cmd.Stdout = w
	started := make(chan error, 1)
	go c.live(w, started)
	if err := <-started; err != nil {
		return nil, startError(o.Command[0], errors.Join(err, c.out.Close()))
	}
	return c, nil
}

// live starts the process and waits for its end on one thread.
func (c *child) live(w *os.File, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := c.cmd.Start()
	w.Close()
	started <- err
	if err != nil {
		return
	}
	c.err = c.cmd.Wait()
	close(c.exited)
	// A grandchild may hold the pipe open; what is in it can still be read.
	if err := c.out.SetReadDeadline(time.Now().Add(drainTime)); err != nil {
		c.out.Close() // no deadline: better to lose what is left than to wait for ever
	}
}

// Stop ends the process group: standard input closed, then SIGTERM, then
// SIGKILL, with the given patience before each. Afterwards Out is closed.
func (c *child) Stop(patience time.Duration) {
	// The door is the only writer and has ended; a server that has gone closed it.
	_ = c.in.Close()
	for _, signal := range []func(int) error{terminateGroup, killGroup} {
		if c.awaited(patience) {
			break
		}
		_ = signal(c.cmd.Process.Pid) // a group that has just ended needs no signal
	}
	<-c.exited
	// What the server started in its group goes with it.
	_ = killGroup(c.cmd.Process.Pid)
	_ = c.out.Close()
}

func (c *child) awaited(patience time.Duration) bool {
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case <-c.exited:
		return true
	case <-t.C:
		return false
	}
}

// Ending says how the process ended, for people.
func (c *child) Ending() string {
	if c.cmd.ProcessState == nil {
		return c.err.Error()
	}
	return "it ended with " + c.cmd.ProcessState.String()
}

func startError(name string, err error) error {
	next := "check its command"
	if errors.Is(err, exec.ErrNotFound) {
		next = "install it, or write its full path in the command"
	}
	return &ostiary.Error{Code: ostiary.CodeGatewayUpstream, Err: err,
		Message: fmt.Sprintf("the server %q could not be started: %s", name, next)}
}
