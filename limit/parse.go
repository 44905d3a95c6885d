package limit

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ostiary/ostiary"
)

// unit is a period that a rate may be written with.
type unit struct {
	period time.Duration
	names  []string // the first is shown, the last suggested
	// meant are names that people write instead and that are refused.
	meant []string
}

func units() []unit {
	return []unit{
		{time.Second, []string{"s", "sec"}, []string{"second", "seconds", "secs"}},
		{time.Minute, []string{"min"}, []string{"m", "mn", "mins", "minute", "minutes"}},
		{time.Hour, []string{"h", "hour"}, []string{"hr", "hrs", "hours"}},
		{24 * time.Hour, []string{"day"}, []string{"d", "days"}},
	}
}

// maxCount is more than anybody can use up.
const maxCount = 1_000_000_000

// ParseRate reads a rate as the configuration writes it: a count, a slash and a
// unit (s, sec, min, h, hour, day), such as "30/min". Everything else is
// CodeConfigInvalid, with what was meant where that can be told. What the rate
// is counted for is the caller's to set.
func ParseRate(s string) (ostiary.RateLimit, error) {
	count, name, ok := strings.Cut(s, "/")
	if !ok {
		return ostiary.RateLimit{}, badRate(s, "write a count, a slash and a unit, such as 30/min")
	}
	n, err := strconv.Atoi(count)
	if err != nil || strconv.Itoa(n) != count || n < 1 || n > maxCount {
		return ostiary.RateLimit{}, badRate(s, fmt.Sprintf("the count must be a whole number from 1 to %d in plain digits", maxCount))
	}
	for _, u := range units() {
		for _, known := range u.names {
			if name == known {
				return ostiary.RateLimit{Count: n, Period: u.period}, nil
			}
		}
	}
	if near := nearest(name); near != "" {
		return ostiary.RateLimit{}, badRate(s, "did you mean "+count+"/"+near+"?")
	}
	return ostiary.RateLimit{}, badRate(s, "the unit must be one of s, sec, min, h, hour, day")
}

func badRate(s, next string) error {
	if len(s) > 40 {
		s = s[:40] + "…"
	}
	return invalid(fmt.Sprintf("%q is no rate: %s", s, next))
}

// nearest finds the unit that a typo meant, or "".
func nearest(name string) string {
	name = strings.ToLower(strings.TrimSpace(name))
	if len(name) > 12 {
		return ""
	}
	best, distance := "", 3
	for _, u := range units() {
		for _, known := range append(u.names, u.meant...) {
			// One edit, two of a long word; never a word made of edits alone.
			if d := edits(name, known); d < distance && d*3 <= len(known) {
				best, distance = u.names[len(u.names)-1], d
			}
		}
	}
	return best
}

// edits is the Levenshtein distance.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

// show writes a rate the way the configuration does.
func show(l ostiary.RateLimit) string {
	for _, u := range units() {
		if l.Period == u.period {
			return strconv.Itoa(l.Count) + "/" + u.names[0]
		}
	}
	return strconv.Itoa(l.Count) + "/" + l.Period.String()
}
