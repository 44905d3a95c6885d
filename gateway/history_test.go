package gateway

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// journal keeps events.
type journal struct {
	mu    sync.Mutex
	noted []ostiary.Event
	fails error
}

func (j *journal) Note(e ostiary.Event) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.fails == nil {
		j.noted = append(j.noted, e)
	}
	return j.fails
}

func (j *journal) all() []ostiary.Event {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]ostiary.Event(nil), j.noted...)
}

// listing opens a door in front of a server with these lists, one after another,
// and returns when the door has read them all.
func listing(t *testing.T, file string, j ostiary.Journal, lists ...string) {
	t.Helper()
	i := 0 // of the server's goroutine
	s := newScripted(t)
	first := handshakes(pay)
	s.auto = func(m *wire.Message) ([]string, bool) {
		if m.Method == "tools/list" {
			i++
			return []string{result(m, lists[min(i, len(lists))-1])}, true
		}
		return first(m)
	}
	b := openDoor(t, paying(), func(o *Options) { s.behind(o); o.CatalogFile, o.Journal = file, j }).shaken()
	for n := range lists {
		if n > 0 {
			s.say(`{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}`)
			b.want("list_changed")
		}
		b.send(call("1", "nothing")) // waits for the list
		b.want(`"id":1`)
	}
	b.close()
}

func TestListsThatDifferAreNotedAndKept(t *testing.T) {
	const (
		one  = `{"tools":[{"name":"a","inputSchema":{"default":9007199254740993}},{"name":"b","inputSchema":{}}]}`
		same = `{"tools":[{"inputSchema":{},"name":"b"},{"name":"a","inputSchema":{"default":9007199254740993}}]}`
		two  = `{"tools":[{"name":"a","inputSchema":{"default":9007199254740992}},{"name":"b","inputSchema":{}}]}`
	)
	file := filepath.Join(t.TempDir(), "catalog", "up.json")
	j := &journal{}
	listing(t, file, j, one, same, two, one)
	listing(t, file, j, same) // another start: nothing new
	listing(t, file, j, two)
	var digests []string
	for _, e := range j.all() {
		if e.Name != "catalog_listed" || e.Upstream != "up" || e.Channel != "gateway" || e.Detail != "2 tools" {
			t.Errorf("noted %+v", e)
		}
		digests = append(digests, e.Subject)
	}
	if len(digests) != 4 || digests[0] != digests[2] || digests[1] != digests[3] || digests[0] == digests[1] {
		t.Fatalf("noted %q", digests)
	}
	for _, digest := range digests[:2] {
		path := filepath.Join(filepath.Dir(file), "history", "up-"+digest+".json")
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Fatal(info, err)
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var kept struct {
			Upstream string
			Lists    map[string]json.RawMessage
		}
		if err := json.Unmarshal(raw, &kept); err != nil || kept.Upstream != "up" {
			t.Fatal(kept, err)
		}
		if sum, err := wire.Digest(kept.Lists["tools"]); err != nil || hex.EncodeToString(sum[:]) != digest {
			t.Errorf("the file of %s has the digest %x, %v", digest, sum, err)
		}
		if tools, err := LoadCatalog(path); err != nil || len(tools) != 2 {
			t.Errorf("%d tools, %v", len(tools), err)
		}
	}
}

// What the evidence did not take is not kept either, and comes with the next list.
func TestAListThatCannotBeNoted(t *testing.T) {
	file := filepath.Join(t.TempDir(), "up.json")
	j := &journal{fails: errors.New("the disk is full")}
	listing(t, file, j, pay)
	if _, err := os.Stat(filepath.Join(filepath.Dir(file), "history")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("kept what was not noted: %v", err)
	}
	j.fails = nil
	listing(t, file, j, pay)
	if len(j.all()) != 1 {
		t.Errorf("noted %+v", j.all())
	}
}

func TestTheHistoryIsBounded(t *testing.T) {
	dir := t.TempDir()
	p := pastOf(filepath.Join(dir, "up.json"))
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	write := func(name string, age int) {
		path := filepath.Join(p.dir, name)
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		at := old.Add(-time.Duration(age) * time.Second)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	for i := range historyFiles + 20 {
		write(fmt.Sprintf("up-%064x.json", i), i)
	}
	write("up-other-"+strings.Repeat("0", 64)+".json", 1000) // another upstream's
	if err := p.prune(); err != nil {
		t.Fatal(err)
	}
	files, err := p.list()
	if err != nil || len(files) != historyFiles || p.digest(files[0].Name()) != fmt.Sprintf("%064x", 0) {
		t.Errorf("%d files, %v", len(files), err)
	}
	if got, err := p.newest(); err != nil || got != fmt.Sprintf("%064x", 0) {
		t.Errorf("the newest is %s, %v", got, err)
	}
	if all, err := os.ReadDir(p.dir); err != nil || len(all) != historyFiles+1 {
		t.Errorf("%d files in all, %v", len(all), err)
	}
}

// A server whose list is never the same fills neither the disk nor the log.
func TestAListThatIsNeverTheSame(t *testing.T) {
	clock, j := newClock(), &journal{}
	d := &door{o: Options{Journal: j, CatalogFile: filepath.Join(t.TempDir(), "up.json"), Now: clock.now, Upstream: "up"}}
	d.odd = newOddities(d)
	d.odd.q.over = true // this door could not write what was counted
	c := &catalog{d: d}
	for i := range 2 * historyMinute {
		l := list{items: []any{map[string]any{"name": fmt.Sprint(i)}}, sums: make([]ostiary.Digest, 1)}
		if err := c.remember(l); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(j.all()); n != historyMinute {
		t.Errorf("noted %d lists in a minute", n)
	}
	if got := d.odd.q.counted[ostiary.CodeLimitRate]; got == nil || got.n != historyMinute {
		t.Errorf("counted %+v", got)
	}
}
