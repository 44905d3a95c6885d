package main

import (
	"strconv"
	"strings"
	"time"

	"github.com/ostiary/ostiary/config"
)

// The index counts nanoseconds in 64 bits.
const (
	firstYear = 1970
	lastYear  = 2261
)

// moment reads a time as a person writes it: how long ago, or when. Without an
// offset it is a time of zone.
func moment(flag, s string, now time.Time, zone *time.Location) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if since, ok := longAgo(s); ok {
		return now.Add(-since), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02", "2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02 15:04:05"} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			if y := t.Year(); y < firstYear || y > lastYear {
				return time.Time{}, misusedFlag("%s %s: write a year from %d to %d", flag, s, firstYear, lastYear)
			}
			return t, nil
		}
	}
	return time.Time{}, misusedFlag("%s %q is not a time: write how long ago (%s), a date (%s) or a time (%s)", flag, s,
		"30m, 1h, 7d", now.In(zone).Format("2006-01-02"), now.In(zone).Format("2006-01-02T15:04")+" or "+now.In(zone).Format(time.RFC3339))
}

// longAgo reads a positive duration, with days and weeks too.
func longAgo(s string) (time.Duration, bool) {
	for unit, d := range map[string]time.Duration{"d": 24 * time.Hour, "w": 7 * 24 * time.Hour} {
		if n, ok := strings.CutSuffix(s, unit); ok {
			count, err := strconv.Atoi(n)
			const years = 200 * 365 // what fits into a Duration
			return time.Duration(count) * d, err == nil && count > 0 && count*int(d/(24*time.Hour)) <= years
		}
	}
	d, err := time.ParseDuration(s)
	return d, err == nil && d > 0
}

// oneOf checks a word that must be among known ones.
func oneOf(flag, got string, known ...string) error {
	if got == "" {
		return nil
	}
	for _, k := range known {
		if got == k {
			return nil
		}
	}
	meant := ""
	if near := config.Nearest(got, known); near != "" {
		meant = "; did you mean " + near + "?"
	}
	return misusedFlag("%s %q is not one of %s%s", flag, got, strings.Join(known, ", "), meant)
}
