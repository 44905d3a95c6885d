package gateway

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// Bounds of the history of one upstream's lists, and of how often a list that is
// never the same is noted.
const (
	historyFiles  = 100
	historyBytes  = 64 << 20
	historyMinute = 60
)

// history is which list of tools was noted last. It belongs to the goroutine
// that lists.
type history struct {
	last   string // digest in hex, "" if not known yet
	minute time.Time
	noted  int
}

// remember notes a list of tools that differs from the last one and keeps it in
// a file named by its digest, which is wire.Digest of the file's lists.tools: the
// entries sorted by their own digests, since their order means nothing.
func (c *catalog) remember(l list) error {
	o := &c.d.o
	if o.Journal == nil || o.CatalogFile == "" {
		return nil
	}
	raw, err := json.Marshal(l.sorted())
	if err != nil {
		return err
	}
	sum, err := wire.Digest(raw)
	if err != nil {
		return err
	}
	digest := hex.EncodeToString(sum[:])
	past := pastOf(o.CatalogFile)
	if c.past.last == "" {
		if c.past.last, err = past.newest(); err != nil {
			return err
		}
	}
	if digest == c.past.last {
		return nil
	}
	if now := o.Now(); now.Sub(c.past.minute) >= time.Minute || now.Before(c.past.minute) {
		c.past.minute, c.past.noted = now, 0
	}
	if c.past.noted++; c.past.noted > historyMinute {
		c.d.odd.count(ostiary.CodeLimitRate)
		return nil
	}
	err = o.Journal.Note(ostiary.Event{Name: "catalog_listed", Subject: digest, Session: o.Session, Upstream: o.Upstream,
		Channel: "gateway", Detail: fmt.Sprintf("%d tools", len(l.items))})
	if err != nil {
		return err
	}
	c.past.last = digest
	err = writeCatalog(past.file(digest), savedCatalog{Upstream: o.Upstream, Listed: o.Now().UTC(), Lists: map[string][]any{"tools": l.sorted()}})
	return errors.Join(err, past.prune())
}

// sorted are the items in the order of their digests.
func (l *list) sorted() []any {
	order := make([]int, len(l.items))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return bytes.Compare(l.sums[a][:], l.sums[b][:]) })
	items := make([]any, len(order))
	for i, from := range order {
		items[i] = l.items[from]
	}
	return items
}

// past are the files of one upstream's history.
type past struct{ dir, prefix string }

func pastOf(catalogFile string) past {
	name := strings.TrimSuffix(filepath.Base(catalogFile), ".json")
	return past{dir: filepath.Join(filepath.Dir(catalogFile), "history"), prefix: name + "-"}
}

func (p past) file(digest string) string { return filepath.Join(p.dir, p.prefix+digest+".json") }

// list returns the files, the newest first.
func (p past) list() ([]fs.FileInfo, error) {
	entries, err := os.ReadDir(p.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var found []fs.FileInfo
	for _, e := range entries {
		if len(p.digest(e.Name())) != hex.EncodedLen(len(ostiary.Digest{})) {
			continue
		}
		if info, err := e.Info(); err == nil {
			found = append(found, info)
		}
	}
	slices.SortStableFunc(found, func(a, b fs.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	return found, err
}

// digest returns what stands between the upstream's name and the ending.
func (p past) digest(name string) string {
	rest, ours := strings.CutPrefix(name, p.prefix)
	digest, ok := strings.CutSuffix(rest, ".json")
	if !ours || !ok {
		return ""
	}
	return digest
}

func (p past) newest() (digest string, err error) {
	files, err := p.list()
	if err != nil || len(files) == 0 {
		return "none", err
	}
	return p.digest(files[0].Name()), nil
}

// prune forgets the oldest.
func (p past) prune() error {
	files, err := p.list()
	size := int64(0)
	for i, f := range files {
		if size += f.Size(); i > 0 && (i >= historyFiles || size > historyBytes) {
			err = errors.Join(err, os.Remove(filepath.Join(p.dir, f.Name())))
		}
	}
	return err
}
