package config

import (
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/limit"
)

// Defaults is what an empty file says: no deny rows, no rules, so that honest
// reads pass and everything else is asked about, within these bounds.
func Defaults() File {
	return File{
		Version: 1,
		Limits: Limits{
			Options:    limit.Defaults(), // 6000/min in all, 600/min a principal, 100/min of effects, 16 at once
			Anomaly:    defaultAnomaly(),
			PerAddress: ostiary.RateLimit{Count: 6000, Period: time.Minute},
			Message:    16 << 20,
			Stderr:     64 << 10,
			Timeout:    60 * time.Second,
			Shutdown:   5 * time.Second,
			Catalog:    10 * time.Second,
		},
		Redact:    Redact{MaxResult: 1 << 20},
		Untrusted: Untrusted{Mark: "fence"},
		Pin:       Pin{Changed: "refuse", Shadowing: "warn"},
		Telemetry: Telemetry{Service: "ostiary", Sample: 1},
		Audit:     Audit{Segment: 64 << 20, Reserve: 256 << 20},
		Serve: Serve{Idle: 30 * time.Minute, Sessions: 100, Write: 30 * time.Second, Read: 30 * time.Second,
			Streams: 100, AllStreams: 10_000, AllSessions: 10_000},
		Approvals: Approvals{Wait: 45 * time.Second, Expire: 10 * time.Minute, Pending: 10, Desktop: true},
	}
}
