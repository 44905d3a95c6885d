package audit

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/ostiary/ostiary"
)

// Options are what [Open] needs. Dir, Redact and RedactText have no default.
type Options struct {
	// Dir is the state directory; it is made with mode 0700 if it is missing.
	Dir string
	// Redact returns a call's arguments as one JSON value without secrets,
	// RedactText a text without secrets. Both are used by many goroutines.
	Redact     func(c *ostiary.Call) []byte
	RedactText func(s string) string

	// Clock is time.Now by default, Rand crypto/rand.Reader; both are used by
	// many goroutines.
	Clock func() time.Time
	Rand  io.Reader

	// PolicyDigest names the policy file's content in each record.
	PolicyDigest string
	// Custody is CustodySameUser by default, and CustodySeparate for calls of a
	// principal that is Apart; Sandbox is "none".
	Custody, Sandbox string
	// Version is the version of the program.
	Version string

	// CheckpointTo are places that get the signed checkpoints too: a path,
	// "syslog:" or an http(s) URL.
	CheckpointTo []string
	// CheckpointEvery is how often at most they get one; 10 s by default.
	CheckpointEvery time.Duration
	// HTTPClient posts to the URLs, and decides where they may lead (package egress).
	// It has no default: without one a URL is refused. It follows no redirects in any
	// case.
	HTTPClient *http.Client

	// SegmentBytes is when a segment is full, 64 MiB by default.
	SegmentBytes int64
	// MaxArgs is how much of a call's redacted arguments is kept, in bytes;
	// 64 KiB by default.
	MaxArgs int
	// Logger hears about repairs and failures; slog.Default by default.
	Logger *slog.Logger

	create func(path string) (file, error) // tests put failing files here
}

// Log is one process instance's append-only log. It is used by many goroutines
// at once.
type Log struct {
	opts Options
	id   string
	dir  string   // of this log
	lock *os.File // dir, locked: this process lives
	key  *key

	mu      sync.Mutex
	next    *group        // what is written next; nil if nobody waits
	n       int64         // number of the next record
	stopped error         // why nothing is written any more
	ended   chan struct{} // closed when the last leader is done
	closing sync.Once
	closed  error // of Close

	scratches sync.Pool // of *scratch

	*appender
	outside *outside
}

// Open starts a log of its own for this process in the state directory, repairs
// what a crash left of others, and returns after the first record is durable.
// It fails with [ostiary.CodeStateUnsafe] if others can reach key or state, and
// with [ostiary.CodeAuditUnavailable] if the log cannot be written.
func Open(o Options) (*Log, error) {
	if o.Dir == "" || o.Redact == nil || o.RedactText == nil {
		return nil, misused("Open needs Dir, Redact and RedactText")
	}
	o.setDefaults()
	if err := privateDir(o.Dir); err != nil {
		return nil, err
	}
	root := filepath.Join(o.Dir, "audit")
	if err := privateDir(root); err != nil {
		return nil, err
	}
	// One process opens at a time, so that each new log sees all others.
	lock, err := lockFile(filepath.Join(root, ".lock"))
	if err != nil {
		return nil, unavailable("cannot lock the state directory", err)
	}
	defer lock.Close()
	k, err := openKey(o.Dir, o.Rand)
	if err != nil {
		return nil, err
	}
	others, err := surveyLogs(root, k, o.Logger)
	if err != nil {
		return nil, unavailable("cannot look at the other logs", err)
	}
	l, err := newLog(o, root, k, others.newest)
	if err != nil {
		return nil, err
	}
	if err := l.opening(others); err != nil {
		return nil, errors.Join(err, l.abandon())
	}
	if err := others.settle(root, k, o.Rand); err != nil {
		o.Logger.Warn("audit: the list of settled logs was not written; the next start takes longer", "err", err)
	}
	return l, nil
}

func (o *Options) setDefaults() {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.create == nil {
		o.create = createFile
	}
	o.Custody = cmp.Or(o.Custody, CustodySameUser)
	o.Sandbox = cmp.Or(o.Sandbox, "none")
	o.SegmentBytes = cmp.Or(max(o.SegmentBytes, 0), 64<<20)
	o.MaxArgs = cmp.Or(max(o.MaxArgs, 0), defaultArgs)
	o.CheckpointEvery = cmp.Or(max(o.CheckpointEvery, 0), 10*time.Second)
}

func newLog(o Options, root string, k *key, newest string) (*Log, error) {
	id, err := newLogID(o.Clock(), newest, o.Rand)
	if err != nil {
		return nil, unavailable("cannot name the log", err)
	}
	l := &Log{
		opts: o, id: id, dir: filepath.Join(root, id), key: k,
		ended: make(chan struct{}),
	}
	if err := os.Mkdir(l.dir, 0o700); err != nil {
		return nil, unavailable("cannot make the log's directory", err)
	}
	var alive bool
	if l.lock, alive, err = lockLog(l.dir); err != nil || alive {
		return nil, unavailable("cannot lock the log", err)
	}
	if l.outside, err = newOutside(l); err != nil {
		return nil, errors.Join(err, l.lock.Close())
	}
	if l.appender, err = newAppender(l); err == nil {
		err = syncDir(root)
	}
	if err != nil {
		l.outside.close()
		return nil, errors.Join(unavailable("cannot make the first segment", err), l.lock.Close())
	}
	return l, nil
}

// ID is the log's name; it sorts by time.
func (l *Log) ID() string { return l.id }

// maxHeads is how many other logs one record names.
const maxHeads = 1000

// opening writes the first record, and more if there are very many other logs.
func (l *Log) opening(others *survey) error {
	heads := others.heads
	first := &Record{
		Kind: KindOpen, Product: l.opts.Version, PID: os.Getpid(), Policy: l.opts.PolicyDigest,
		Heads: heads[:min(len(heads), maxHeads)], Repaired: others.repaired,
	}
	if err := l.own(first); err != nil {
		return err
	}
	for heads = heads[len(first.Heads):]; len(heads) > 0; heads = heads[min(len(heads), maxHeads):] {
		more := &Record{Kind: KindEvent, Code: "heads", Heads: heads[:min(len(heads), maxHeads)]}
		if err := l.own(more); err != nil {
			return err
		}
	}
	return nil
}

// own writes a record of the log about itself.
func (l *Log) own(r *Record) error {
	r.Time, r.Log = l.opts.Clock(), l.id
	r.Custody, r.Sandbox = l.opts.Custody, l.opts.Sandbox
	at := within
	if r.Kind == KindClose {
		at = last
	}
	return l.append(r.appendTail(nil), nil, at)
}

// Close writes the last record, waits for what is under way and cuts the segment
// to its size. Calls that end later get an error. A second Close returns what the
// first did.
func (l *Log) Close() error {
	l.closing.Do(func() { l.closed = l.shut(l.own(&Record{Kind: KindClose})) })
	return l.closed
}

// abandon gives up a log whose first record did not become durable.
func (l *Log) abandon() error {
	l.stop(errClosed)
	return l.shut(nil)
}

// shut ends everything, once nothing more is accepted.
func (l *Log) shut(err error) error {
	<-l.ended
	l.outside.close()
	return errors.Join(err, l.segment.close(l.err()), l.lock.Close())
}

var errClosed error = &ostiary.Error{
	Code:    ostiary.CodeAuditUnavailable,
	Message: "the door is closing and records nothing more; call again after it was restarted",
	Reason:  "audit: the log is closed",
}

const logTime = "20060102T150405"

// newLogID is the time and 32 random bits. It is greater than newest even if the
// clock went back, so that names tell the order in which logs were opened.
func newLogID(now time.Time, newest string, random io.Reader) (string, error) {
	var r [4]byte
	if _, err := io.ReadFull(random, r[:]); err != nil {
		return "", err
	}
	now = now.UTC()
	if last, ok := timeOfLog(newest); ok && !now.After(last) {
		now = last.Add(1)
	}
	return now.Format(logTime) + "-" + now.Format(".000000000")[1:] + "-" + hex.EncodeToString(r[:]), nil
}

func timeOfLog(id string) (time.Time, bool) {
	if len(id) != len(logTime)+1+9+1+8 || id[15] != '-' || id[25] != '-' {
		return time.Time{}, false
	}
	for _, c := range id[26:] {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return time.Time{}, false
		}
	}
	t, err := time.Parse(logTime+".000000000", id[:15]+"."+id[16:25])
	return t, err == nil
}

func validLogID(id string) bool {
	_, ok := timeOfLog(id)
	return ok
}
