package incident

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
)

// Options say what [Export] packs. State, Mask, Version and Now have no default.
type Options struct {
	// State is the state directory. Its key signs the archive.
	State string
	// Filter selects records; its Text and Limit must be empty.
	Filter audit.Filter
	// Checkpoint are checkpoints that were kept elsewhere, as in
	// [audit.VerifyOptions]: the archive then proves that the logs continue them.
	Checkpoint []byte
	// Parts are what the store holds.
	Parts []Part
	// Mask returns the text of a policy without the secrets in it; not ok means
	// that it must not leave.
	Mask func(text []byte) (safe []byte, ok bool)
	// Version is that of the program.
	Version string
	Now     func() time.Time
	// Progress hears how much of the logs was read; it may be nil.
	Progress func(done, total int64)
}

// Part is one kind of rows beside the evidence: approvals, grants, freezes. What
// it yields MUST hold no secret.
type Part struct {
	// Name is lower-case letters.
	Name string
	// Rows are encoded as JSON, one a line. nil means that there are none, and
	// Absent says why.
	Rows   iter.Seq2[any, error]
	Absent string
}

// Export verifies all logs and writes the archive. It holds one file of the
// archive in memory at a time, and reads each log twice. What verification finds
// is packed too and no error. An error leaves an archive that does not verify.
func Export(ctx context.Context, to io.Writer, o Options) (*Manifest, error) {
	if o.State == "" || o.Mask == nil || o.Now == nil || o.Filter.Text != "" || o.Filter.Limit != 0 {
		return nil, misused("Export needs State, Mask and Now, and no Text or Limit")
	}
	// What cannot be signed in the end is not begun.
	if _, err := audit.Seal(o.State, [sha256.Size]byte{}); err != nil {
		return nil, err
	}
	key, err := audit.PublicKey(o.State)
	if err != nil {
		return nil, err
	}
	e := &exporter{
		Options: o, p: newPacker(to), match: o.Filter.Match(), policies: map[string]bool{}, servers: map[string]bool{}, lists: listings{},
		m: &Manifest{
			V: Format, Made: o.Now().UTC(), Key: key, Selection: selection(&o.Filter),
			Versions: Versions{Ostiary: o.Version, Go: runtime.Version(), Record: audit.Version},
		},
	}
	return e.m, e.run(ctx)
}

func selection(f *audit.Filter) Selection {
	at := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		t = t.UTC()
		return &t
	}
	return Selection{
		Since: at(f.Since), Until: at(f.Until), Principal: f.Principal, Session: f.Session, Tool: f.Tool,
		Upstream: f.Upstream, Decision: f.Decision, Code: f.Code, Call: f.Call,
	}
}

type exporter struct {
	Options
	p     *packer
	m     *Manifest
	match func(*audit.Record) bool

	policies map[string]bool // digests that selected records name
	servers  map[string]bool // that selected records name
	lists    listings
}

func (e *exporter) run(ctx context.Context) error {
	if err := e.p.add(readmeName, readme); err != nil {
		return err
	}
	if err := e.p.add(keyName, []byte(e.m.Key+"\n")); err != nil {
		return err
	}
	o := audit.VerifyOptions{Checkpoint: e.Checkpoint, Progress: e.Progress}
	rep, err := audit.Walk(ctx, e.State, o, e.log)
	if err != nil {
		return err
	}
	for _, b := range rep.Broken {
		e.m.Found = append(e.m.Found, b.String())
	}
	for _, more := range []func() error{e.addPolicies, e.addTools, e.addParts} {
		if err := more(); err != nil {
			return err
		}
	}
	return e.finish()
}

// finish writes the manifest and signs it.
func (e *exporter) finish() error {
	e.m.Files = e.p.files
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(e.m); err != nil {
		return err
	}
	signed, err := audit.Seal(e.State, sha256.Sum256(b.Bytes()))
	if err != nil {
		return err
	}
	return errors.Join(e.p.add(manifestName, b.Bytes()), e.p.add(noteName, []byte(signed)), e.p.close())
}

// log packs what one log has. A log without a checkpoint has only its row.
func (e *exporter) log(l *audit.Proved) error {
	row := Log{Log: l.Log, Size: l.Head.Size, Root: l.Head.Root, Live: l.Live, Torn: l.Torn}
	if l.Head.Size > 0 {
		if err := e.records(l, &row); err != nil {
			return err
		}
	}
	e.m.Logs = append(e.m.Logs, row)
	return nil
}

func (e *exporter) records(l *audit.Proved, row *Log) error {
	folder := "logs/" + l.Log + "/"
	if err := e.p.add(folder+"checkpoint", []byte(l.Note)); err != nil {
		return err
	}
	if err := e.consistency(l, folder); err != nil {
		return err
	}
	opening := lines{p: e.p, name: folder + "opening"}
	chosen := lines{p: e.p, name: folder + "records"}
	context := lines{p: e.p, name: folder + "context"}
	first := true
	for f, err := range l.Records() {
		if err != nil {
			return err
		}
		r := &f.Record
		if first = first && (r.Kind == audit.KindOpen || len(r.Heads) > 0); first {
			if r.Kind == audit.KindOpen {
				row.Product, row.PID = r.Product, r.PID
			}
			if err := e.proved(l, &opening, &f); err != nil {
				return err
			}
		}
		list := e.lists.add(r, e.Filter.Since, e.Filter.Until)
		switch {
		case e.match(r):
			e.note(r)
			row.Records++
			switch {
			case f.Body != nil:
				row.Bodies++
			case r.Body != "":
				row.Dropped++
			}
			err = e.proved(l, &chosen, &f)
		case list:
			err = e.proved(l, &context, &f)
		}
		if err != nil {
			return err
		}
	}
	return errors.Join(opening.flush(), chosen.flush(), context.flush())
}

// note remembers what a selected record refers to.
func (e *exporter) note(r *audit.Record) {
	if r.Policy != "" {
		e.policies[r.Policy] = true
	}
	if r.Upstream != "" {
		e.servers[r.Upstream] = true
	}
}

// proof is the line behind a record and its body.
type proof struct {
	Proof []string `json:"proof"`
}

func (e *exporter) proved(l *audit.Proved, to *lines, f *audit.Found) error {
	hashes, err := l.Prove(f.Record.N)
	if err != nil {
		return err
	}
	line, err := json.Marshal(proof{texts(hashes)})
	if err != nil {
		return err
	}
	return to.add(f.Line, f.Body, line)
}

func texts(hashes []tlog.Hash) []string {
	all := make([]string, len(hashes))
	for i, h := range hashes {
		all[i] = h.String()
	}
	return all
}

// consistent says what a log once was, who knows it, and proves that the log of
// the archive continues it.
type consistent struct {
	Size  int64    `json:"size"`
	Root  string   `json:"root"`
	By    string   `json:"by"`
	Proof []string `json:"proof"`
}

// consistency packs a proof for each head that others know. What does not fit was
// found by the verification.
func (e *exporter) consistency(l *audit.Proved, folder string) error {
	to := lines{p: e.p, name: folder + "consistency"}
	done := audit.Head{}
	for _, c := range l.Claims {
		if c.Size <= 0 || c.Size >= l.Head.Size || c.Head == done {
			continue
		}
		hashes, root, err := l.ProveHead(c.Size)
		if err != nil {
			return err
		}
		if root.String() != c.Root {
			continue
		}
		line, err := json.Marshal(consistent{c.Size, c.Root, c.By, texts(hashes)})
		if err != nil {
			return err
		}
		if err := to.add(line); err != nil {
			return err
		}
		done = c.Head
	}
	return to.flush()
}

func misused(what string) error {
	return &ostiary.Error{Code: ostiary.CodeInternal, Message: fmt.Sprintf("incident: %s", what)}
}
