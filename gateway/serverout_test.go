package gateway

import (
	"io"
	"os"
	"runtime"
	"testing"
	"time"
)

// onlyPipe is a server of which only the pipe counts.
type onlyPipe struct{ out *os.File }

func (onlyPipe) In() io.WriteCloser      { return nil }
func (p onlyPipe) Out() io.Reader        { return p.out }
func (onlyPipe) Exited() <-chan struct{} { return nil }
func (onlyPipe) Ending() string          { return "" }
func (onlyPipe) Stop(time.Duration)      {}

// A server that holds up who reads its pipe must not hold up the door of many people.
func TestPipesOfManyAreTold(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	for _, many := range []bool{false, true} {
		d := &door{server: onlyPipe{r}, many: many}
		if told := d.serverOut() == io.Reader(r); told != (many || runtime.GOOS != "linux") {
			t.Errorf("many: %t, told: %t", many, told)
		}
	}
}
