package limit

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

func TestParseRate(t *testing.T) {
	for s, want := range map[string]ostiary.RateLimit{
		"30/min": {Count: 30, Period: time.Minute}, "1/s": {Count: 1, Period: time.Second},
		"5/sec": {Count: 5, Period: time.Second}, "100/h": {Count: 100, Period: time.Hour},
		"100/hour": {Count: 100, Period: time.Hour}, "1000000000/day": {Count: 1_000_000_000, Period: 24 * time.Hour},
	} {
		got, err := ParseRate(s)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", s, got, err)
		}
	}
	for s, hint := range map[string]string{
		"30": "30/min", "": "30/min", "0/min": "whole number", "-3/min": "whole number", "+3/min": "whole number",
		"03/min": "whole number", "1e3/min": "whole number", "1.5/s": "whole number", "1,000/min": "whole number",
		"1000000001/s": "whole number", "99999999999999999999/s": "whole number", " 3/min": "whole number",
		"30/mim": "30/min?", "30/minute": "30/min?", "30/minuets": "30/min?", "30/m": "30/min?", "30/MIN": "30/min?",
		"30/ min": "30/min?", "30/hr": "30/hour?", "30/seconds": "30/sec?", "30/dya": "one of", "30/days": "30/day?",
		"30/week": "one of", "30/": "one of", "30/x": "one of", "30/5min": "30/min?",
	} {
		_, err := ParseRate(s)
		if !errors.Is(err, ostiary.CodeConfigInvalid) || !strings.Contains(err.Error(), hint) {
			t.Errorf("%q: %v, want a hint %q", s, err, hint)
		}
	}
}

func FuzzParseRate(f *testing.F) {
	for _, s := range []string{"30/min", "1/s", "9/dya", "/", "7/hour/min", "0/min", "1000000000/sec", "é/min"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseRate(s)
		if err != nil {
			if !errors.Is(err, ostiary.CodeConfigInvalid) {
				t.Fatal(err)
			}
			return
		}
		if _, ok := newPace(r); !ok {
			t.Fatalf("%q gives %+v, which no limiter takes", s, r)
		}
		if again, err := ParseRate(show(r)); err != nil || again != r {
			t.Fatalf("%q shows as %q, which reads as %+v, %v", s, show(r), again, err)
		}
	})
}
