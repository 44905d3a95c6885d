package audit

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestMain lets the test binary be the process that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("OSTIARY_TEST_WRITER"); dir != "" {
		if err := writer(dir, os.Getenv("OSTIARY_TEST_NAME")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// writer records until its standard input ends, or until it is killed, and tells
// each call on its standard output once it is acknowledged.
func writer(dir, name string) error {
	l, err := tryOpen(dir, func(o *Options) { o.SegmentBytes = 96 << 10 })
	if err != nil {
		return err
	}
	stop := make(chan struct{})
	go func() {
		io.Copy(io.Discard, os.Stdin)
		close(stop)
	}()
	var wg sync.WaitGroup
	var mu sync.Mutex
	var failed error
	for w := range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				id := fmt.Sprintf("%s-%d-%d", name, w, i)
				err := recordRead(l, testCall(id))
				mu.Lock()
				if failed = err; err == nil {
					_, failed = os.Stdout.WriteString(id + "\n") // one write, no buffer
				}
				end := failed != nil
				mu.Unlock()
				if end {
					return
				}
			}
		})
	}
	wg.Wait()
	if failed != nil {
		return failed
	}
	return l.Close()
}

type child struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	acked []string
	lines chan string
	done  chan struct{}
}

func startWriter(t *testing.T, dir, name string) *child {
	t.Helper()
	c := &child{cmd: exec.Command(os.Args[0]), lines: make(chan string, 1<<20), done: make(chan struct{})}
	c.cmd.Env = append(os.Environ(), "OSTIARY_TEST_WRITER="+dir, "OSTIARY_TEST_NAME="+name)
	c.cmd.Stderr = os.Stderr
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(c.done)
		defer close(c.lines)
		r := bufio.NewReader(out)
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return // a partial line was not acknowledged
			}
			c.lines <- strings.TrimSpace(line)
		}
	}()
	return c
}

// collect takes n acknowledgements, or all that are left if n is negative.
func (c *child) collect(n int) {
	for ; n != 0; n-- {
		id, ok := <-c.lines
		if !ok {
			return
		}
		c.acked = append(c.acked, id)
	}
}

// recorded returns the calls of all logs with an outcome under a checkpoint.
func recorded(t *testing.T, dir string) map[string]bool {
	t.Helper()
	calls := map[string]bool{}
	err := look(filepath.Join(dir, "audit"), map[string]*cursor{}, func(f Found) error {
		if f.Record.Kind == KindOutcome {
			calls[f.Record.Call] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return calls
}

// Law 1: a process that is killed at any point has the record of every call that
// it acknowledged, and the next start repairs the log.
func TestLaw1KilledAtRandomPoints(t *testing.T) {
	runs := 20
	if s := os.Getenv("OSTIARY_CRASH_RUNS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		runs = n
	}
	dir := filepath.Join(t.TempDir(), "state")
	var acked []string
	for run := range runs {
		c := startWriter(t, dir, fmt.Sprint("run", run))
		c.collect(rand.IntN(150))
		pause := time.NewTimer(time.Duration(rand.IntN(3000)) * time.Microsecond) // anywhere within a commit
		<-pause.C
		if err := c.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		c.collect(-1)
		<-c.done
		c.cmd.Wait() // it was killed
		acked = append(acked, c.acked...)
	}
	l := openTest(t, dir, nil)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	r := verify(t, dir, VerifyOptions{})
	if r.Err() != nil || len(r.Torn) != 0 {
		t.Errorf("%v, torn %v", r.Broken, r.Torn)
	}
	have := recorded(t, dir)
	for _, id := range acked {
		if !have[id] {
			t.Errorf("call %s was acknowledged and is not recorded", id)
		}
	}
	t.Logf("%d kills, %d acknowledged, %d recorded", runs, len(acked), len(have))
	if len(acked) == 0 {
		t.Error("nothing was acknowledged")
	}
}

// Several processes start at once on a new state directory and share it.
func TestProcessesShareAStateDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	var children []*child
	for i := range 4 {
		children = append(children, startWriter(t, dir, fmt.Sprint("p", i)))
	}
	for _, c := range children {
		c.collect(20)
	}
	r := verify(t, dir, VerifyOptions{})
	if r.Err() != nil || len(r.Live) != 4 {
		t.Errorf("report %+v", r)
	}
	for _, c := range children {
		c.stdin.Close()
		c.collect(-1)
		if err := c.cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	r = verify(t, dir, VerifyOptions{})
	if r.Err() != nil || r.Logs != 4 || len(r.Live)+len(r.Torn) != 0 {
		t.Errorf("report %+v", r)
	}
	have := recorded(t, dir)
	for _, c := range children {
		for _, id := range c.acked {
			if !have[id] {
				t.Errorf("call %s is not recorded", id)
			}
		}
	}
}

// What a crash can leave behind is cut off and kept; what it cannot is left alone
// and reported. Nothing that a checkpoint covers is ever cut.
func TestRepair(t *testing.T) {
	tests := []struct {
		name   string
		damage func(data []byte) []byte // of a log whose process has died
		cut    bool
		broken bool
	}{
		{"nothing", func(d []byte) []byte { return d }, false, false},
		{"reserved space", func(d []byte) []byte { return append(d, make([]byte, 8192)...) }, false, false},
		{"half a record", func(d []byte) []byte { return append(d, `{"v":1,"n":99,"ti`...) }, true, false},
		{"a record and half a body", func(d []byte) []byte {
			return append(d, `{"v":1,"n":99}`+"\n"+`{"body":"x","sa`...)
		}, true, false},
		{"half a checkpoint", func(d []byte) []byte { return append(d, d[checkpointBefore(d):len(d)-20]...) }, true, false},
		{"a sector that was not written", func(d []byte) []byte {
			hole := make([]byte, sector-len(d)%sector)
			return append(append(d, hole...), `99}`+"\n"...)
		}, true, false},
		{"zeros within a sector", func(d []byte) []byte {
			return append(append(d, `{"v":1,`...), append(make([]byte, 3), `99}`+"\n"...)...)
		}, false, true},
		{"a line that is none", func(d []byte) []byte { return append(d, "hello\n"...) }, false, true},
		{"a whole group that was not signed", func(d []byte) []byte {
			return append(d, `{"v":1,"n":99}`+"\n"+checkpointPrefix+`x","leaves":""}`+"\n"...)
		}, false, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir, id := sample(t, nil)
			path := segmentPath(dir, id)
			truncate(t, dir, id, 2)
			covered := read(t, path)
			damaged := test.damage(bytes.Clone(covered))
			write(t, path, damaged)
			before := verify(t, dir, VerifyOptions{})
			if test.broken != (before.Err() != nil) || test.cut != (len(before.Torn) > 0) {
				t.Errorf("before the repair: broken %v, torn %v", before.Broken, before.Torn)
			}
			l := openTest(t, dir, nil)
			after := read(t, path)
			if !bytes.HasPrefix(after, covered) {
				t.Fatal("what a checkpoint covers was cut")
			}
			if !test.broken != (len(after) == len(covered)) {
				t.Errorf("%d bytes are left, %d are covered", len(after), len(covered))
			}
			torn, err := os.ReadFile(path + ".torn")
			if test.cut != (err == nil) || test.cut && !bytes.Equal(torn, damaged[len(covered):]) {
				t.Errorf("kept %q, %v", torn, err)
			}
			if r := verify(t, dir, VerifyOptions{}); test.broken != (r.Err() != nil) || len(r.Torn) != 0 {
				t.Errorf("after the repair: broken %v, torn %v", r.Broken, r.Torn)
			}
			records, _, err := readOpening(segmentPath(dir, l.ID()), l.key.verifier)
			if err != nil || len(records) != 1 || len(records[0].Repaired) != 1 || records[0].Repaired[0].Damaged != test.broken ||
				len(records[0].Heads) != 1 || records[0].Heads[0].Size != records[0].Repaired[0].Size {
				t.Errorf("the new log says %+v, %v", records, err)
			}
		})
	}
}
