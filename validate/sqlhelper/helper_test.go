package sqlhelper

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

// The test binary is its own helper, and several bad ones.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		if role, ok := strings.CutPrefix(os.Args[1], "role="); ok {
			os.Exit(play(role))
		}
	}
	code := m.Run()
	if shared.h != nil {
		shared.h.Close()
	}
	if build.program != "" && build.program != os.Args[0] {
		os.Remove(build.program)
	}
	os.Exit(code)
}

func play(role string) int {
	switch role {
	case "helper":
		if err := Serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	case "mute": // never ready
		_, _ = io.Copy(io.Discard, os.Stdin)
	case "hang", "deaf", "crash", "garbage", "flood", "hog", "env": // ready, then bad
		_ = writeReply(os.Stdout, reply{Ready: true})
		if _, err := readFrame(os.Stdin, maxText); err != nil {
			return 0
		}
		switch role {
		case "deaf": // busy: does not see that its input ends
			r, w, err := os.Pipe()
			if err != nil {
				return 1
			}
			_, _ = io.Copy(io.Discard, r)
			_ = w.Close()
		case "hang":
			_, _ = io.Copy(io.Discard, os.Stdin)
		case "crash":
			panic("the grammar trapped")
		case "garbage":
			_ = writeFrame(os.Stdout, []byte("{]"))
		case "flood":
			_, _ = os.Stdout.Write([]byte{0xff, 0xff, 0xff, 0xff})
			_, _ = io.Copy(io.Discard, os.Stdin)
		case "hog":
			var kept [][]byte
			for range 64 {
				b := make([]byte, 16<<20)
				for i := range b {
					b[i] = 1
				}
				kept = append(kept, b)
			}
			_ = writeReply(os.Stdout, reply{Syntax: fmt.Sprint("kept ", len(kept))})
		case "env":
			_ = writeReply(os.Stdout, reply{Syntax: strings.Join(os.Environ(), " ")})
		}
		_, _ = io.Copy(io.Discard, os.Stdin)
	case "parent": // starts a helper that hangs, tells its pid, and waits to be killed
		p, err := start(optionsFor("deaf"))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		_ = writeFrame(p.in, []byte("SELECT 1"))
		fmt.Println(p.pid)
		_, _ = io.Copy(io.Discard, os.Stdin)
	}
	return 0
}

func optionsFor(role string) Options {
	o, err := New(Options{Command: []string{os.Args[0], "role=" + role}})
	if err != nil {
		panic(err)
	}
	return o.o
}

// shared is one real helper for all tests: loading the grammar takes seconds.
var shared struct {
	sync.Once
	h   *Helper
	err error
}

// build is the program that children run.
var build struct {
	sync.Once
	program string
}

// raceDetector reports whether this binary was built with -race.
func raceDetector() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.ContainsFunc(info.Settings, func(s debug.BuildSetting) bool { return s.Key == "-race" && s.Value == "true" })
}

func realHelper(t testing.TB) *Helper {
	t.Helper()
	shared.Do(func() { shared.h, shared.err = New(Options{Command: []string{program(t), "role=helper"}}) })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.h
}

// program is this binary, or under the race detector one without it: loading the
// grammar with it takes minutes, and it needs more memory than a helper may have.
func program(t testing.TB) string {
	t.Helper()
	build.Do(func() {
		build.program = os.Args[0]
		if raceDetector() {
			build.program = filepath.Join(os.TempDir(), fmt.Sprintf("sqlhelper-%d.test", os.Getpid()))
			if out, err := exec.Command("go", "test", "-c", "-o", build.program, ".").CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		}
	})
	return build.program
}

func badHelper(t *testing.T, role string, change func(*Options)) *Helper {
	t.Helper()
	o := Options{Command: []string{program(t), "role=" + role}}
	if change != nil {
		change(&o)
	}
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

// A helper that fails in any way denies the call, is gone, and the next call gets
// a new one.
func TestFailingHelperDenies(t *testing.T) {
	for role, want := range map[string]string{
		"crash":   "the grammar trapped",
		"hang":    "no answer in",
		"garbage": "cannot be read",
		"flood":   "a frame of",
		"hog":     "helper ended",
		"mute":    "no answer in",
	} {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			h := badHelper(t, role, func(o *Options) {
				o.ParseTimeout = 500 * time.Millisecond
				o.MemoryLimit = 256 << 20
				if role == "hog" || role == "crash" {
					o.ParseTimeout = time.Minute
				}
				if role == "mute" {
					o.StartTimeout = 100 * time.Millisecond
				}
			})
			for range 2 {
				_, err := h.Parse(t.Context(), "postgresql", "SELECT 1")
				if !errors.Is(err, ostiary.CodeValidateSQL) || !strings.Contains(err.Error(), want) {
					t.Fatalf("err = %v, want validate_sql with %q", err, want)
				}
				if h.child != nil {
					t.Fatal("the failing helper was kept")
				}
			}
		})
	}
}

func TestHelperGetsNoEnvironment(t *testing.T) {
	t.Setenv("OSTIARY_TEST_SECRET", "hunter2")
	_, err := badHelper(t, "env", nil).Parse(t.Context(), "postgresql", "x")
	if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "GOMEMLIMIT=") {
		t.Fatalf("environment of the helper: %v", err)
	}
}

func TestIdleHelperEnds(t *testing.T) {
	var timers []func()
	h := badHelper(t, "env", func(o *Options) {
		o.AfterFunc = func(_ time.Duration, f func()) func() {
			timers = append(timers, f)
			return func() {}
		}
	})
	ask := func() int {
		_, _ = h.Parse(t.Context(), "postgresql", "x")
		<-h.slot
		defer func() { h.slot <- struct{}{} }()
		if h.child == nil {
			t.Fatal("no helper")
		}
		return h.child.pid
	}
	first := ask()
	timers[0]()
	if h.child != nil || alive(first) {
		t.Fatal("the idle helper lives on")
	}
	second := ask()
	timers[0]() // a timer that fires late must not end a helper in use
	if h.child == nil || !alive(second) {
		t.Fatal("a stale timer ended the helper")
	}
	if err := h.Close(); err != nil || alive(second) {
		t.Fatalf("after Close: err %v, alive %v", err, alive(second))
	}
	if _, err := h.Parse(t.Context(), "postgresql", "x"); !errors.Is(err, ostiary.CodeValidateSQL) {
		t.Fatalf("after Close: %v", err)
	}
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

// SIGKILL of the parent leaves no orphan, although the helper is busy and so
// does not see that its input ended.
func TestNoOrphanAfterKill(t *testing.T) {
	parent := exec.Command(os.Args[0], "role=parent")
	if _, err := parent.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || !alive(pid) {
		t.Fatalf("control: the helper %d does not run: %v", pid, err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	deadline := time.Now().Add(10 * time.Second)
	for running(pid) {
		if time.Now().After(deadline) {
			t.Fatalf("the helper %d outlived its parent", pid)
		}
	}
}

// running is false for a process that is gone or only waits to be reaped.
func running(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}

func TestManyCallersOneProcess(t *testing.T) {
	h := realHelper(t)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			table := fmt.Sprintf("t%d", i)
			sum, err := h.Parse(t.Context(), "postgresql", "SELECT * FROM "+table)
			if err != nil || len(sum.Tables) != 1 || sum.Tables[0].Name != table {
				t.Errorf("%s: %+v, %v", table, sum, err)
			}
		})
	}
	wg.Wait()
}

// A caller that hangs up gets its answer at once and costs the next one nothing.
func TestCallerHangsUp(t *testing.T) {
	h := realHelper(t)
	if _, err := h.Parse(t.Context(), "postgresql", "SELECT 1"); err != nil {
		t.Fatal(err)
	}
	pid := h.child.pid
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Parse(ctx, "postgresql", "SELECT 1"); !errors.Is(err, ostiary.CodeValidateSQL) || !errors.Is(err, context.Canceled) {
		t.Fatalf("cancelled: %v", err)
	}
	if _, err := h.Parse(t.Context(), "postgresql", "SELECT 1"); err != nil || h.child.pid != pid {
		t.Fatalf("next: %v, restarted %v", err, h.child.pid != pid)
	}
}

// Memory stays where the decision record says, also with hard texts.
func TestHelperMemory(t *testing.T) {
	h := realHelper(t)
	for _, text := range []string{
		"SELECT 1",
		"SELECT " + strings.Repeat("1+", 30000) + "1",
		"SELECT " + strings.Repeat("(", 3000) + "1" + strings.Repeat(")", 3000),
		"SELECT ARRAY" + strings.Repeat("[", 30000) + strings.Repeat("]", 30000),
		"SELECT 1" + strings.Repeat(",1", 30000),
		"SELECT " + strings.Repeat("f(", 2000) + strings.Repeat(")", 2000),
		strings.Repeat("SELECT (", 2000) + "1" + strings.Repeat(")", 2000),
		strings.Repeat("SELECT 1;", 7000),
	} {
		_, err := h.Parse(t.Context(), "postgresql", text)
		if err != nil && !errors.Is(err, ostiary.CodeValidateSQL) {
			t.Errorf("%.20s…: %v", text, err)
		}
		if h.child == nil {
			t.Fatalf("%.20s… of %d bytes ended the helper: %v", text, len(text), err)
		}
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", h.child.pid))
		for _, field := range []string{"VmHWM", "VmRSS", "VmData"} {
			_, rest, _ := strings.Cut(string(b), field+":")
			kb, _ := strconv.Atoi(strings.Fields(rest)[0])
			t.Logf("%-7s %4d MB after %.16s… (%d bytes)", field, kb>>10, text, len(text))
			if field == "VmRSS" && kb > 700<<10 {
				t.Errorf("resident %d MB", kb>>10)
			}
		}
	}
}

func TestNewNeedsCommand(t *testing.T) {
	if _, err := New(Options{}); err == nil {
		t.Fatal("New without a command")
	}
	h := badHelper(t, "helper", func(o *Options) { o.Command = []string{"/does/not/exist"} })
	if _, err := h.Parse(t.Context(), "postgresql", "SELECT 1"); !errors.Is(err, ostiary.CodeValidateSQL) {
		t.Fatal(err)
	}
	if _, err := h.Parse(t.Context(), "mysql", "SELECT 1"); !errors.Is(err, ostiary.CodeValidateSQL) {
		t.Fatal(err)
	}
	if _, err := h.Parse(t.Context(), "postgresql", strings.Repeat("x", maxText+1)); !errors.Is(err, ostiary.CodeValidateSQL) {
		t.Fatal(err)
	}
}
