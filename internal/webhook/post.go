package webhook

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ostiary/ostiary"
)

// post delivers once. It returns how long the receiver wants to be left alone, and
// whether trying again may help.
func (w *Sender) post(ctx context.Context, delivery string, body []byte, limit time.Duration) (time.Duration, bool, error) {
	ctx, stop := context.WithTimeout(ctx, limit)
	defer stop()
	select {
	case w.slots <- struct{}{}:
		defer func() { <-w.slots }()
	case <-ctx.Done():
		return 0, true, ctx.Err()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(body))
	if err != nil {
		return 0, false, withoutURL(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "ostiary")
	req.Header.Set(headerDelivery, delivery)
	req.Header.Set(headerSignature, sign(w.secret, body, w.clock()))
	resp, err := w.client.Do(req)
	if err != nil {
		return 0, !refused(err), withoutURL(err)
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 4<<10) // so that the connection can be used again
	switch s := resp.StatusCode; {
	case s >= 200 && s < 300:
		return 0, false, nil
	case s == http.StatusTooManyRequests, s == http.StatusRequestTimeout, s >= 500:
		return retryAfter(resp.Header.Get("Retry-After"), w.clock()), true, fmt.Errorf("status %d", s)
	default:
		return 0, false, fmt.Errorf("status %d", s)
	}
}

// refused reports whether the door itself will not go where the URL leads; trying
// again would only ask again.
func refused(err error) bool {
	return errors.Is(err, ostiary.CodeEgressAddress) || errors.Is(err, ostiary.CodeEgressHost)
}

// withoutURL drops the URL from an error, since it may be a secret.
func withoutURL(err error) error {
	if ue := (*url.Error)(nil); errors.As(err, &ue) {
		return ue.Err
	}
	return errors.New("the URL cannot be used")
}

// backoff is how long to wait after so many failed tries: between half and all of a
// time that doubles up to a minute, so that many doors do not come back together.
func (w *Sender) backoff(tries int) (time.Duration, error) {
	var b [8]byte
	if _, err := io.ReadFull(w.rand, b[:]); err != nil {
		return 0, err
	}
	most := mostPause
	if tries < 8 {
		most = min(most, firstPause<<(tries-1))
	}
	return most/2 + time.Duration(binary.BigEndian.Uint64(b[:])%uint64(most/2+1)), nil
}

// retryAfter reads the header, seconds or a date (RFC 9110, 10.2.3); 0 if it
// says nothing.
func retryAfter(s string, now time.Time) time.Duration {
	if n, err := strconv.ParseInt(s, 10, 32); err == nil {
		return time.Duration(max(n, 0)) * time.Second
	}
	if at, err := http.ParseTime(s); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

func waitFor(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Escape keeps text from being a link, a mention or a command; see "Escaping
// text" in Slack's formatting of messages.
func Escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}
