package credential

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"
)

const (
	programTime = 10 * time.Second
	// programEnds is how long a program that was killed may keep its output open.
	programEnds = time.Second
	outputBytes = 64 << 10
)

// errOutput says that a program writes more than a credential has.
var errOutput = errors.New("more output than a credential has")

func newProgram(t *text, command []string, refresh time.Duration) *fetched {
	if refresh <= 0 {
		refresh = defaultRefresh
	}
	return &fetched{now: t.o.Now, timeout: programTime, fetch: func(ctx context.Context) (held, error) {
		s, err := run(ctx, command, t.o.Env, t.o.Dir)
		if err != nil {
			return held{}, unavailable(t.source, "the program "+command[0]+" gave none", err)
		}
		if err := t.usable("what the program "+command[0]+" writes", s); err != nil {
			return held{}, err
		}
		until := t.o.Now().Add(refresh)
		return held{text: s, refresh: until, until: until}, nil
	}}
}

// run returns what a program writes to its standard output, without the line end
// behind it. What it writes to its standard error is for nobody: it may name
// secrets.
func run(ctx context.Context, command, env []string, dir string) (string, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	out := &bounded{stop: stop}
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	c.Env, c.Dir, c.Stdout, c.WaitDelay = env, dir, out, programEnds
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	err := c.Run()
	if cause := context.Cause(ctx); cause != nil {
		return "", cause
	}
	if err != nil {
		return "", err
	}
	if !utf8.Valid(out.b.Bytes()) {
		return "", errors.New("its output is no text")
	}
	return strings.TrimRight(out.b.String(), "\r\n"), nil
}

// bounded ends the program that writes too much.
type bounded struct {
	b    bytes.Buffer
	stop context.CancelCauseFunc
}

func (w *bounded) Write(p []byte) (int, error) {
	if w.b.Len()+len(p) > outputBytes {
		w.stop(errOutput)
		return 0, io.ErrShortWrite
	}
	return w.b.Write(p)
}
