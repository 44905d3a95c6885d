//go:build unix

package gateway

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/internal/peers/echo"
)

// TestMain lets the test binary be the server of a test, or a door that is
// killed.
func TestMain(m *testing.M) {
	if len(os.Args) < 3 || os.Args[1] != "be" {
		os.Exit(m.Run())
	}
	switch os.Args[2] {
	case "echo":
		if err := echo.Serve(os.Stdin, os.Stdout, echo.Options{}); err != nil {
			os.Exit(1)
		}
	case "door": // starts a server that ignores its end, says its pid, and waits
		c, err := startChild(childOptions{Command: []string{"/bin/sh", "-c", "trap '' TERM; echo $$; while :; do read x || sleep 1000; done"}, Stderr: os.Stderr})
		if err != nil {
			os.Exit(1)
		}
		line, _ := bufio.NewReader(c.Out()).ReadString('\n')
		fmt.Print(line)
		<-c.Exited()
	}
}

// shell puts a shell script behind the door; self is the test binary.
func shell(script string) func(*Options) {
	return func(o *Options) {
		o.Command = []string{"/bin/sh", "-c", script, "sh", os.Args[0]}
		o.Env = Environment(os.Environ(), nil, nil)
	}
}

// goneProcess waits until no process has this pid, a zombie not counted.
func goneProcess(t *testing.T, pid string) {
	t.Helper()
	n, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(pid, "[up] "))) // standard error has the name
	if err != nil {
		t.Fatalf("pid %q: %v", pid, err)
	}
	deadline := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", n))
		if errors.Is(syscall.Kill(n, 0), syscall.ESRCH) || err == nil && strings.Contains(string(stat), ") Z ") {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("process %d lives: %s", n, stat)
		}
	}
}

func TestARealServer(t *testing.T) {
	b := openDoor(t, rows(), shell(`exec "$1" be echo`)).shaken()
	b.send(call("1", "echo"))
	b.want(`"id":1`, `"x"`)
	if err := b.close(); err != nil {
		t.Fatal(err)
	}
}

// Every open request gets a clear error, and Run an error.
func TestACrashIsToldToEveryOpenRequest(t *testing.T) {
	b := openDoor(t, rows(), shell(`
		while read line; do case $line in
		*'"initialize"'*) echo '{"jsonrpc":"2.0","id":0,"result":{"capabilities":{"tools":{}}}}';;
		*tools/list*) id=${line#*'"id":"'}; id=${id%%'"'*}; echo '{"jsonrpc":"2.0","id":"'$id'","result":`+twoTools+`}';;
		*crash*) echo 'boom \033[31m' >&2; exit 3;;
		esac; done`)).shaken()
	for i := range 5 {
		b.send(call(fmt.Sprint(i+1), "put"))
	}
	outstanding := is{kind: audit.KindIntent, target: "put"}
	b.records(func(all []audit.Record) bool { return outstanding.in(all) == 5 })
	b.send(`{"jsonrpc":"2.0","id":"last","method":"completion/complete","params":{"ref":{"name":"crash"}}}`)
	for range 6 {
		b.want("gateway_upstream", "the server ended by itself: it ended with exit status 3")
	}
	err := b.ended()
	if !errors.Is(err, ostiary.CodeGatewayUpstream) {
		t.Fatalf("Run: %v", err)
	}
	if n := (is{kind: audit.KindOutcome, code: "gateway_upstream", status: "lost"}).in(b.logged()); n != 6 {
		t.Errorf("%d outcomes, want 6", n)
	}
	has(t, b.err.String(), "boom ␛[31m")
}

func TestAServerThatCannotBeStarted(t *testing.T) {
	for _, command := range [][]string{nil, {"/does/not/exist"}, {"no-such-command-anywhere"}} {
		b := openDoor(t, rows(), func(o *Options) { o.Command = command })
		if err := b.ended(); !errors.Is(err, ostiary.CodeGatewayUpstream) {
			t.Errorf("%q: %v", command, err)
		}
	}
}

// Whatever the server and its children do, nothing of the group outlives the door.
func TestNothingOfTheGroupStays(t *testing.T) {
	for name, script := range map[string]string{
		"ignores the end":         `trap '' TERM; echo $$ >&2; while :; do sleep 1000; done`,
		"has a child":             `sleep 1000 & echo $! >&2; cat >/dev/null`,
		"child ignores SIGTERM":   `sh -c 'trap "" TERM; while :; do sleep 1000; done' & echo $! >&2; cat >/dev/null`,
		"child holds the outputs": `sleep 1000 & echo $! >&2; exit 0`,
		"closes its output":       `echo $$ >&2; exec >&-; cat >/dev/null; sleep 1000`,
	} {
		t.Run(name, func(t *testing.T) {
			b := openDoor(t, rows(), shell(script))
			deadline := time.After(patience)
			tick := time.NewTicker(time.Millisecond)
			defer tick.Stop()
			for !strings.Contains(b.err.String(), "\n") {
				select {
				case <-tick.C:
				case <-deadline:
					t.Fatal("the server did not start")
				}
			}
			pid, _, _ := strings.Cut(b.err.String(), "\n")
			ends := strings.Contains(script, "exit 0") || strings.Contains(script, "exec >&-")
			if ends {
				if err := b.ended(); !errors.Is(err, ostiary.CodeGatewayUpstream) {
					t.Errorf("Run: %v", err)
				}
			} else if err := b.close(); err != nil {
				t.Errorf("Run: %v", err)
			}
			goneProcess(t, pid)
		})
	}
}

// A door that is killed takes the server with it, even one that ignores
// everything that it can ignore.
func TestTheServerDiesWithAKilledDoor(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has a parent-death signal")
	}
	door := exec.Command(os.Args[0], "be", "door")
	out, err := door.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := door.Start(); err != nil {
		t.Fatal(err)
	}
	pid, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if err := door.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = door.Wait() // it was killed
	goneProcess(t, pid)
}

func TestEnvironment(t *testing.T) {
	ours := []string{"PATH=/bin", "HOME=/h", "AWS_SECRET_ACCESS_KEY=s", "TOKEN=t", "LANG=() { :; }", "BROKEN", "EMPTY="}
	for _, tt := range []struct {
		pass []string
		set  map[string]string
		want string
	}{
		{nil, nil, "PATH=/bin HOME=/h"},
		{[]string{"TOKEN", "EMPTY", "MISSING", "LANG"}, nil, "PATH=/bin HOME=/h TOKEN=t EMPTY="},
		{[]string{"TOKEN"}, map[string]string{"TOKEN": "u", "B": "2", "A": "1"}, "PATH=/bin HOME=/h A=1 B=2 TOKEN=u"},
	} {
		if got := strings.Join(Environment(ours, tt.pass, tt.set), " "); got != tt.want {
			t.Errorf("pass %v, set %v: %q, want %q", tt.pass, tt.set, got, tt.want)
		}
	}
}

// The real server sees what is allowed and nothing else; named, it passes.
func TestTheServerSeesOnlyItsEnvironment(t *testing.T) {
	t.Setenv("OSTIARY_TEST_SECRET", "hunter2")
	for _, pass := range [][]string{nil, {"OSTIARY_TEST_SECRET"}} {
		b := openDoor(t, rows(), func(o *Options) {
			shell(`env >&2; exit 1`)(o)
			o.Env = Environment(os.Environ(), pass, nil)
			o.StderrBytes = 1 << 16
		})
		b.ended()
		if got := strings.Contains(b.err.String(), "hunter2"); got != (pass != nil) {
			t.Errorf("pass %v: seen %v", pass, got)
		}
	}
}

// Standard error without end costs neither memory nor time, and its last words
// are told after a crash.
func TestStandardErrorIsBounded(t *testing.T) {
	b := openDoor(t, rows(), shell(`head -c 1000000000 /dev/zero >&2; echo last words >&2; exit 1`))
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	b.ended()
	var after runtime.MemStats
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 16<<20 {
		t.Errorf("%d bytes more on the heap", grown)
	}
	got := b.err.String()
	if len(got) > 64<<10 {
		t.Errorf("%d bytes were shown", len(got))
	}
	has(t, got, "more than 4096 bytes", "last words")
}

func TestStderrTail(t *testing.T) {
	var out syncBuffer
	s := newStderrTail(&out, "up", 100)
	for _, part := range []string{"a\x1b[2J\x07\r\n", "\xc3", "\xa4\xe2\x82", "\xac\xff\u202e|\x7f\u009b", "\xf0"} {
		if n, err := io.WriteString(s, part); n != len(part) || err != nil {
			t.Fatal(n, err)
		}
	}
	s.finish(true)
	if got, want := out.String(), "[up] a␛[2J␇␍\n[up] ä€\ufffd\ufffd|␡\ufffd\ufffd\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// Nothing that a server writes begins a line of the operator's, also when the
// door's own line comes between two halves of it, and nothing is hidden.
func TestStandardErrorCannotForgeOurLines(t *testing.T) {
	const forged = "ostiary: all is well"
	for name, parts := range map[string][]string{
		"line":                {forged + "\n"},
		"second line":         {"x\n" + forged + "\n"},
		"halves":              {"x", forged, "\n"},
		"carriage return":     {"x\r" + forged + "\n"},
		"line separator":      {"x\u2028" + forged + "\u2029" + forged + "\u0085" + forged},
		"long":                {strings.Repeat("x", lineMost) + forged},
		"long of wide runes":  {"x" + strings.Repeat("€", lineMost/3) + forged},
		"last words":          {strings.Repeat("x", 3*lineMost) + "\n" + forged + "\n" + forged},
		"more than is shown":  {strings.Repeat("x\n", 2*lineMost) + forged},
		"name behind its end": {"\n\n\n" + forged + "\n\n"},
	} {
		var out syncBuffer
		s := newStderrTail(&out, "up", 2*lineMost)
		for _, p := range parts {
			if _, err := io.WriteString(s, p); err != nil {
				t.Fatal(err)
			}
		}
		s.finish(true)
		got := out.String()
		if !strings.Contains(got, forged) {
			t.Errorf("%s: it is not shown at all", name)
		}
		for _, l := range strings.FieldsFunc(got, func(r rune) bool { return strings.ContainsRune("\n\r\u0085\u2028\u2029", r) }) {
			own := strings.HasPrefix(l, "ostiary: the ") // the door's own words
			if !strings.HasPrefix(l, "[up] ") && !own || strings.HasPrefix(l, forged) || strings.Contains(l, "\ufffd") && name == "long of wide runes" {
				t.Errorf("%s: %.60q", name, l)
			}
		}
	}
	var out syncBuffer
	s := newStderrTail(&out, "u\np", 100)
	fmt.Fprint(s, "half")
	if got := out.String(); got != "" {
		t.Errorf("half a line was shown: %q", got)
	}
	s.finish(false)
	if got := out.String(); got != "[u␊p] half\n" {
		t.Errorf("got %q", got)
	}
}

func TestVisible(t *testing.T) {
	for _, r := range []rune{0x61c, 0x200b, 0x200c, 0x200d, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202e, 0x2060, 0x2061, 0x2062, 0x2063, 0x2064,
		0x2066, 0x2069, 0xfeff, 0xe0000, 0xe0001, 0xe0020, 0xe0041, 0xe007f, 0x80, 0x85, 0x9b} {
		if got := visible([]byte("a" + string(r) + "b")); got != "a\ufffdb" {
			t.Errorf("%U: %q", r, got)
		}
	}
	for _, plain := range []string{"a\tb\n", "äöü ß €", "日本語", "\U0001f600", "\u2010\u2027\u2030"} { // control
		if got := visible([]byte(plain)); got != plain {
			t.Errorf("%q became %q", plain, got)
		}
	}
}

// An operator's end that nobody reads stops neither the server nor the door.
func TestStandardErrorThatNobodyReads(t *testing.T) {
	r, w := io.Pipe()
	defer r.Close()
	s := newStderrTail(w, "up", 1000)
	for range 1000 {
		if _, err := io.WriteString(s, strings.Repeat("x", 1000)); err != nil {
			t.Fatal(err)
		}
	}
	s.finish(true)
}
