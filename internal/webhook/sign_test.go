package webhook

import (
	"bytes"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

var testSecret = []byte("0123456789abcdef0123456789abcdef")

func TestVerify(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	body := []byte(`{"a":1}`)
	good := sign(testSecret, body, now)
	old := strings.TrimPrefix(sign([]byte("another secret, of before"), body, now), "t=1700000000,")
	for name, c := range map[string]struct {
		secret []byte
		header string
		body   string
		off    time.Duration
		ok     bool
	}{
		"good":             {testSecret, good, `{"a":1}`, 0, true},
		"in time":          {testSecret, good, `{"a":1}`, 5 * time.Minute, true},
		"a slow clock":     {testSecret, good, `{"a":1}`, -5 * time.Minute, true},
		"two signatures":   {testSecret, good + "," + old, `{"a":1}`, 0, true},
		"more and spaces":  {testSecret, "v0=00, " + good, `{"a":1}`, 0, true},
		"late":             {testSecret, good, `{"a":1}`, 5*time.Minute + time.Second, false},
		"early":            {testSecret, good, `{"a":1}`, -5*time.Minute - time.Second, false},
		"another body":     {testSecret, good, `{"a":2}`, 0, false},
		"another secret":   {[]byte("another secret, of before"), good, `{"a":1}`, 0, false},
		"no secret":        {nil, "t=1700000000,v1=", `{"a":1}`, 0, false},
		"nothing":          {testSecret, "", `{"a":1}`, 0, false},
		"no signature":     {testSecret, "t=1700000000", `{"a":1}`, 0, false},
		"empty signature":  {testSecret, "t=1700000000,v1=", `{"a":1}`, 0, false},
		"half a signature": {testSecret, good[:len(good)-2], `{"a":1}`, 0, false},
		"two times":        {testSecret, good + ",t=1700000000", `{"a":1}`, 0, false},
		"a time like it":   {testSecret, strings.Replace(good, "t=", "t=+", 1), `{"a":1}`, 0, false},
		"long":             {testSecret, good + strings.Repeat(",v1=00", 1000), `{"a":1}`, 0, false},
	} {
		err := Verify(c.secret, c.header, []byte(c.body), now.Add(c.off), 5*time.Minute)
		if (err == nil) != c.ok || err != nil && !errors.Is(err, ostiary.CodeAuthNobody) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	now := time.Unix(1_700_000_000, 0)
	f.Add(sign(testSecret, []byte("b"), now), []byte("b"))
	f.Add("t=1,v1=00,v1", []byte{})
	f.Fuzz(func(t *testing.T, header string, body []byte) {
		if err := Verify(testSecret, header, body, now, time.Minute); err == nil {
			if !strings.Contains(header, "v1="+sign(testSecret, body, now)[len("t=1700000000,v1="):]) &&
				!strings.Contains(strings.ToLower(header), "t=17000") {
				t.Errorf("%q passes for %q", header, body)
			}
		}
	})
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for in, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-7": 0, "x": 0, "99999999999": 0,
		"Sat, 21 Nov 2026 12:00:30 GMT": 30 * time.Second, "Sat, 21 Nov 2026 11:00:30 GMT": 0,
	} {
		if got := retryAfter(in, now); got != want {
			t.Errorf("%q: %v, want %v", in, got, want)
		}
	}
}

func TestBackoffGrowsWithJitter(t *testing.T) {
	w := &Sender{rand: rand.Reader}
	seen := map[time.Duration]bool{}
	for try := 1; try < 40; try++ {
		most := min(mostPause, firstPause<<min(try-1, 10))
		d, err := w.backoff(try)
		if err != nil || d < most/2 || d > most {
			t.Errorf("try %d: %v, %v; want %v to %v", try, d, err, most/2, most)
		}
		seen[d] = true
	}
	if len(seen) < 30 {
		t.Errorf("only %d different pauses of 39", len(seen))
	}
	w.rand = bytes.NewReader(nil)
	if _, err := w.backoff(1); err == nil {
		t.Error("no random numbers, and it went on")
	}
}
