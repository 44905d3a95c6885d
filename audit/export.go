package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/ostiary/ostiary"
)

// Proved is one log as far as its last good checkpoint, with what proves each of
// its records. It is valid until the function that it was handed to returns.
type Proved struct {
	// Log is its id, Head the size and root that the checkpoint vouches for. A
	// log without a good checkpoint has the size 0 and no Note.
	Log  string
	Head Head
	// Note is the checkpoint as it was signed, Time when.
	Note, Time string
	// Live is a log whose process lives, Torn one that ends as after a crash.
	Live, Torn bool
	// Broken is why the log ends here although there is more of it; nil if it does not.
	Broken *Broken
	// Claims are the heads of this log that others vouch for, smallest first.
	Claims []Claim

	ctx    context.Context
	dir    string
	hashes *hashFile
}

// Claim is what somebody says a log once was.
type Claim struct {
	Head
	By string
}

// Walk verifies all logs of a state directory as [Verify] does and hands each
// over, oldest first. It needs little memory whatever the logs' size, and 64 bytes
// of the temporary directory for each record of the log it is at.
func Walk(ctx context.Context, dir string, o VerifyOptions, each func(*Proved) error) (*Report, error) {
	w := &walk{each: each}
	rep, err := verifyEach(ctx, dir, o, w)
	if w.hashes != nil {
		err = errors.Join(err, w.hashes.close())
	}
	return rep, err
}

// walk is what verifyEach tells about the logs.
type walk struct {
	each   func(*Proved) error
	hashes *hashFile
}

// begin returns who takes the leaves of the next log.
func (w *walk) begin() (func(n int64, leaf tlog.Hash), error) {
	if w.hashes != nil {
		if err := w.hashes.close(); err != nil {
			return nil, err
		}
	}
	var err error
	if w.hashes, err = newHashFile(); err != nil {
		return nil, err
	}
	return w.hashes.put, nil
}

func (w *walk) end(ctx context.Context, dir, id string, good *mark, alive, torn bool, b *Broken, claims []claim) error {
	if err := w.hashes.done(); err != nil {
		return unreadable(err)
	}
	p := &Proved{Log: id, Head: Head{Log: id}, Live: alive, Torn: torn, Broken: b, ctx: ctx, dir: dir, hashes: w.hashes}
	if good.last != nil {
		p.Head, p.Note, p.Time = good.last.head(), good.last.whole(), good.last.time
	}
	for _, c := range claims {
		p.Claims = append(p.Claims, Claim{c.Head, c.by})
	}
	return w.each(p)
}

// Records yields every record that the checkpoint covers, with its body if that is
// there and fits. Each is compared with what was verified; a log that was changed
// meanwhile ends with an error. What is yielded is valid until the next.
func (p *Proved) Records() iter.Seq2[Found, error] {
	return func(yield func(Found, error) bool) {
		n := int64(0)
		for segment := 0; n < p.Head.Size; segment++ {
			end, err := p.segment(segment, &n, yield)
			if err != nil {
				yield(Found{}, unreadable(err))
				return
			}
			if end {
				return
			}
		}
	}
}

// segment reports whether the loop that reads has ended.
func (p *Proved) segment(segment int, n *int64, yield func(Found, error) bool) (bool, error) {
	f, err := os.Open(filepath.Join(p.dir, segmentName(segment)))
	if err != nil {
		return false, err
	}
	defer f.Close()
	size, err := dataEnd(f)
	if err != nil {
		return false, err
	}
	lines := newLineReader(f, 0, size, make([]byte, 64<<10))
	var found *Found
	flush := func() bool {
		one := found
		found = nil
		return one == nil || yield(*one, nil)
	}
	for {
		if err := p.ctx.Err(); err != nil {
			return false, err
		}
		line, err := lines.line()
		if errors.Is(err, io.EOF) {
			return !flush(), nil
		}
		if err != nil {
			return false, err
		}
		switch {
		case bytes.HasPrefix(line, []byte(bodyPrefix)):
			if found != nil && fits(found.Line, line) {
				found.Body = bytes.Clone(line)
			}
		case bytes.HasPrefix(line, []byte(recordPrefix)):
			if !flush() {
				return true, nil
			}
			if *n >= p.Head.Size {
				return true, nil
			}
			leaf, err := p.hashes.leaf(*n)
			if err != nil {
				return false, err
			}
			found = &Found{Line: bytes.Clone(line)}
			if leaf != tlog.RecordHash(line) || json.Unmarshal(line, &found.Record) != nil {
				return false, fmt.Errorf("log %s, record %d was changed while it was read", p.Log, *n)
			}
			*n++
		}
	}
}

// fits reports whether the record commits to the body.
func fits(record, body []byte) bool {
	want := bodyOf(record)
	return len(want) > 0 && string(want) == BodyDigest(body)
}

// Prove returns the hashes that prove record n to be in the tree of Head (RFC
// 6962, section 2.1.1), for tlog.CheckRecord.
func (p *Proved) Prove(n int64) (tlog.RecordProof, error) {
	return tlog.ProveRecord(p.Head.Size, n, p.hashes)
}

// ProveHead returns the root over the first size records, and the hashes that
// prove it to be the beginning of the tree of Head (section 2.1.2), for tlog.CheckTree.
func (p *Proved) ProveHead(size int64) (tlog.TreeProof, tlog.Hash, error) {
	root, err := tlog.TreeHash(size, p.hashes)
	if err != nil {
		return nil, root, unreadable(err)
	}
	proof, err := tlog.ProveTree(p.Head.Size, size, p.hashes)
	return proof, root, err
}

// errNotProved is for records that no good checkpoint covers.
var errNotProved error = &ostiary.Error{
	Code:    ostiary.CodeAuditBroken,
	Message: "no signed checkpoint covers this record any more, so it cannot be proved; `ostiary audit verify` tells what was changed",
}

// Evidence proves one record of a log by itself.
type Evidence struct {
	Log        string   `json:"log"`
	N          int64    `json:"n"`
	Leaf       string   `json:"leaf"`       // base64 of the record's leaf hash
	Proof      []string `json:"proof"`      // base64, from the leaf upwards
	Checkpoint string   `json:"checkpoint"` // the signed note
}

// Prove returns what proves records of one log, which it reads and verifies alone:
// whether other logs fit is for [Verify]. The key is that of the state directory.
func Prove(ctx context.Context, dir, log string, records []int64) (all []Evidence, err error) {
	v, err := verifierFor(dir, "")
	if err != nil {
		return nil, err
	}
	if !validLogID(log) {
		return nil, misused("a log with the name " + log)
	}
	where := filepath.Join(dir, "audit", log)
	alive, err := isAlive(where)
	if err != nil {
		return nil, unreadable(err)
	}
	hashes, err := newHashFile()
	if err != nil {
		return nil, unreadable(err)
	}
	defer func() { err = errors.Join(err, hashes.close()) }()
	check := &logCheck{ctx: ctx, verifier: v, report: &Report{}, progress: func(int64) {}, leaf: hashes.put}
	if _, err := check.log(where, log, alive, nil); err != nil {
		return nil, unreadable(err)
	}
	if err := hashes.done(); err != nil {
		return nil, unreadable(err)
	}
	good := check.good
	for _, n := range records {
		if n < 0 || n >= good.tree.size {
			return nil, errNotProved
		}
		leaf, err := hashes.leaf(n)
		if err != nil {
			return nil, unreadable(err)
		}
		proof, err := tlog.ProveRecord(good.tree.size, n, hashes)
		if err != nil {
			return nil, unreadable(err)
		}
		e := Evidence{Log: log, N: n, Leaf: leaf.String(), Proof: []string{}, Checkpoint: good.last.whole()}
		for _, h := range proof {
			e.Proof = append(e.Proof, h.String())
		}
		all = append(all, e)
	}
	return all, nil
}
