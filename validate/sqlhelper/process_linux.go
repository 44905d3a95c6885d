package sqlhelper

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// process is a running helper. One goroutine uses it at a time.
type process struct {
	pid    int
	in     io.WriteCloser
	out    io.ReadCloser
	stderr *words
	gone   chan struct{} // closed when the process was reaped
}

// start runs the command and waits until it is ready.
func start(o Options) (*process, error) {
	cmd := exec.Command(o.Command[0], o.Command[1:]...)
	// One thread of work, and a collector that keeps below the hard limit. The
	// environment holds nothing else: what the door was given is not the helper's.
	cmd.Env = []string{"GOMAXPROCS=1", "GOTRACEBACK=single", "GOMEMLIMIT=" + strconv.FormatInt(o.MemoryLimit*3/4, 10)}
	// Its own group, so that a signal to the door's group does not end a parse, and
	// death with the parent even by SIGKILL.
	cmd.WaitDelay = time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	p := &process{stderr: &words{max: 2 << 10}, gone: make(chan struct{})}
	cmd.Stderr = p.stderr
	var err error
	if p.in, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if p.out, err = cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	started := make(chan error, 1)
	go func() {
		// The parent-death signal comes when the thread that started the child ends
		// (prctl(2)), so that thread stays with the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended shows in the exchange
			close(p.gone)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	p.pid = cmd.Process.Pid
	if err := p.confine(o.MemoryLimit); err != nil {
		p.end()
		return nil, fmt.Errorf("the helper cannot be bounded: %w", err)
	}
	r, err := p.read(o.StartTimeout)
	if err == nil && !r.Ready {
		err = errors.New("the helper did not say that it is ready")
	}
	if err != nil {
		return nil, fmt.Errorf("%w; its last words: %q", err, p.end())
	}
	return p, nil
}

// confine sets hard limits before any text is sent. RLIMIT_AS would be the wrong
// one: the WebAssembly runtime reserves 4 GiB of addresses that it never touches.
func (p *process) confine(memory int64) error {
	for _, l := range []struct {
		resource int
		value    uint64
	}{
		{unix.RLIMIT_DATA, uint64(memory)},
		{unix.RLIMIT_FSIZE, 0},
		{unix.RLIMIT_CORE, 0},
		{unix.RLIMIT_NOFILE, 32},
	} {
		if err := unix.Prlimit(p.pid, l.resource, &unix.Rlimit{Cur: l.value, Max: l.value}, nil); err != nil {
			return err
		}
	}
	return nil
}

// exchange sends a text and reads the answer. After an error the process must be
// ended: its stream is out of step.
func (p *process) exchange(text []byte, limit time.Duration) (reply, error) {
	wrote := make(chan error, 1)
	go func() { wrote <- writeFrame(p.in, text) }()
	r, err := p.read(limit)
	if err != nil {
		return reply{}, err
	}
	return r, <-wrote
}

func (p *process) read(limit time.Duration) (reply, error) {
	type frame struct {
		b   []byte
		err error
	}
	got := make(chan frame, 1)
	go func() {
		b, err := readFrame(p.out, maxReply)
		got <- frame{b, err}
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case f := <-got:
		if f.err != nil {
			return reply{}, fmt.Errorf("the helper ended: %w", f.err)
		}
		var r reply
		if err := json.Unmarshal(f.b, &r); err != nil {
			return reply{}, fmt.Errorf("the helper's answer cannot be read: %w", err)
		}
		return r, nil
	case <-timer.C:
		return reply{}, fmt.Errorf("the helper gave no answer in %s", limit)
	}
}

// end kills the whole group, waits for the process and returns its last words.
func (p *process) end() string {
	_ = p.in.Close()
	select {
	case <-p.gone: // its number may be somebody else's by now
	default:
		_ = syscall.Kill(-p.pid, syscall.SIGKILL) // an error means gone, which is as good
		<-p.gone
	}
	return p.stderr.String()
}

// words keeps the first bytes of what the child wrote to its standard error: the
// reason of a crash stands before the stack.
type words struct {
	mu  sync.Mutex
	b   []byte
	max int
}

func (t *words) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, b[:min(len(b), t.max-len(t.b))]...)
	return len(b), nil
}

func (t *words) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.b)
}
