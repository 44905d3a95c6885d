package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/syslog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ostiary/ostiary"
)

// outside carries signed checkpoints to places that whoever changes the log
// cannot change too. Each place has a goroutine that sends the newest checkpoint,
// one at a time; older ones that it missed say nothing more. No call waits for it.
type outside struct {
	log    *Log
	places []*destination
	ending context.Context // done when the log is closed and the last try is due
	end    context.CancelFunc
	wait   sync.WaitGroup
}

// destination is one place that gets checkpoints.
type destination struct {
	name string // for people, without credentials
	send func(ctx context.Context, note []byte) error

	mu     sync.Mutex
	newest []byte
	kick   chan struct{}
	bad    bool // the last try failed
}

// lastTry is how long closing the log waits for the places.
const lastTry = 5 * time.Second

func newOutside(l *Log) (*outside, error) {
	o := &outside{log: l}
	o.ending, o.end = context.WithCancel(context.Background())
	for _, to := range l.opts.CheckpointTo {
		p, err := newDestination(to, l.opts.HTTPClient)
		if err != nil {
			return nil, err
		}
		o.places = append(o.places, p)
	}
	for _, p := range o.places {
		o.wait.Go(func() { o.serve(p) })
	}
	return o, nil
}

func newDestination(to string, client *http.Client) (*destination, error) {
	p := &destination{name: to, kick: make(chan struct{}, 1)}
	scheme, rest, hasScheme := strings.Cut(to, ":")
	switch {
	case to == "":
		return nil, noPlace(to, "it is empty")
	case hasScheme && scheme == "syslog":
		p.send = func(_ context.Context, note []byte) error { return toSyslog(rest, note) }
	case hasScheme && (scheme == "http" || scheme == "https"):
		u, err := url.Parse(to)
		if err != nil || u.Host == "" {
			return nil, noPlace(scheme+":…", "it is not a URL with a host")
		}
		if client == nil {
			return nil, noPlace(scheme+":…", "there is nothing that posts")
		}
		still := *client
		// A redirect would carry the checkpoint to where nobody configured it to go.
		still.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		client = &still
		p.name = u.Scheme + "://" + u.Host + u.Path // neither password nor query
		p.send = func(ctx context.Context, note []byte) error { return toURL(ctx, client, to, note) }
	case strings.Contains(to, "://"):
		return nil, noPlace(scheme+":…", "this scheme is not known")
	default:
		p.send = func(_ context.Context, note []byte) error { return toFile(to, note) }
	}
	return p, nil
}

func noPlace(to, why string) error {
	return &ostiary.Error{
		Code:    ostiary.CodeConfigInvalid,
		Message: fmt.Sprintf("audit.checkpoint_to: %q cannot be used, %s; give a file path, syslog: or an http(s) URL", to, why),
	}
}

// offer hands the newest checkpoint over. The text is copied.
func (o *outside) offer(note []byte) {
	for _, p := range o.places {
		p.mu.Lock()
		p.newest = append(p.newest[:0], note...)
		p.mu.Unlock()
		select {
		case p.kick <- struct{}{}:
		default:
		}
	}
}

func (p *destination) take() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	note := p.newest
	p.newest = nil
	return note
}

// retry puts a checkpoint back unless there is a newer one.
func (p *destination) retry(note []byte) {
	p.mu.Lock()
	if p.newest == nil {
		p.newest = note
	}
	p.mu.Unlock()
	select {
	case p.kick <- struct{}{}:
	default:
	}
}

// serve sends at most one checkpoint in each interval, and the last one at the end.
func (o *outside) serve(p *destination) {
	for {
		select {
		case <-o.ending.Done():
			o.send(p)
			return
		case <-p.kick:
			o.send(p)
		}
		pause := time.NewTimer(o.log.opts.CheckpointEvery)
		select {
		case <-o.ending.Done():
		case <-pause.C:
		}
		pause.Stop()
	}
}

func (o *outside) send(p *destination) {
	note := p.take()
	if note == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(o.ending), lastTry)
	defer cancel()
	err := p.send(ctx, note)
	if err == nil && !p.bad {
		return
	}
	r := &Record{Kind: KindEvent, Code: "checkpoint_delivered", Target: p.name}
	if err != nil {
		var u *url.Error // its text has the whole URL in it
		if errors.As(err, &u) {
			err = u.Err
		}
		o.log.opts.Logger.Warn("audit: a checkpoint was not delivered; truncation of the log would not show there", "to", p.name, "err", err)
		r.Code, r.Reason = "checkpoint_undelivered", o.log.redacted(err.Error(), maxText)
	}
	if err != nil {
		p.retry(note)
	}
	if was := p.bad; was != (err != nil) {
		p.bad = err != nil
		// A change of state is evidence. Not to be able to write it stops the log elsewhere.
		if err := o.log.own(r); err != nil && !errors.Is(err, ostiary.CodeAuditUnavailable) {
			o.log.opts.Logger.Error("audit: event not recorded", "err", err)
		}
	}
}

// close sends the last checkpoint and waits a bounded time for it.
func (o *outside) close() {
	o.end()
	done := make(chan struct{})
	go func() {
		o.wait.Wait()
		close(done)
	}()
	late := time.NewTimer(lastTry + time.Second)
	defer late.Stop()
	select {
	case <-done:
	case <-late.C:
		o.log.opts.Logger.Warn("audit: the last checkpoint was not delivered in time")
	}
}

// outsideLine is how a checkpoint stands in files and in syslog.
func outsideLine(note []byte) []byte {
	b := append([]byte(nil), checkpointPrefix...)
	b = append(b, bytes.ReplaceAll(note, []byte("\n"), []byte(`\n`))...)
	return append(b, "\"}\n"...)
}

// toFile appends a line, durably. Several processes may share the file.
func toFile(path string, note []byte) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil && !errors.Is(err, unix.ENOTSUP) && !errors.Is(err, unix.EINTR) {
		return err
	}
	line := outsideLine(note)
	if info, err := f.Stat(); err == nil && info.Size() > 0 {
		var last [1]byte
		if _, err := f.ReadAt(last[:], info.Size()-1); err == nil && last[0] != '\n' {
			line = append([]byte{'\n'}, line...) // a line before was torn by a crash
		}
	}
	if _, err := f.Write(line); err != nil {
		return err
	}
	return f.Sync()
}

// toSyslog sends to the local daemon, or to the datagram socket at path.
func toSyslog(path string, note []byte) error {
	network := ""
	if path != "" {
		network = "unixgram"
	}
	w, err := syslog.Dial(network, path, syslog.LOG_NOTICE|syslog.LOG_AUTHPRIV, "ostiary")
	if err != nil {
		return err
	}
	_, err = w.Write(outsideLine(note))
	return errors.Join(err, w.Close())
}

func toURL(ctx context.Context, client *http.Client, to string, note []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(note))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "text/plain; charset=utf-8")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)); err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("the server answered %s", resp.Status)
	}
	return nil
}
