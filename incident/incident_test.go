package incident_test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/incident"
	"github.com/ostiary/ostiary/wire"
)

var begin = time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC)

// listDigest is the digest of [{"name":"write_file"}].
var listDigest = func() string {
	sum, err := wire.Digest([]byte(`[{"name":"write_file"}]`))
	if err != nil {
		panic(err)
	}
	return hex.EncodeToString(sum[:])
}()

const policyText = "version: 1\n# the rules of that time\n"

func TestExportVerifies(t *testing.T) {
	w := filled(t)
	archive := w.export(nil)
	if !bytes.Equal(archive, w.export(nil)) {
		t.Error("the same export gives other bytes")
	}
	if !bytes.Equal(archive, packed(t, unpacked(t, archive), nil)) {
		t.Fatal("the tests pack otherwise than the export")
	}
	rep := verify(t, archive, incident.VerifyOptions{})
	if err := rep.Err(); err != nil {
		t.Fatal(err)
	}
	// open, catalog_listed, 6 calls of two records, close
	if rep.Records != 2*15 || rep.Bodies != 2*12 || rep.Dropped != 0 || rep.Logs != 2 || rep.Pinned != incident.PinnedByNothing {
		t.Errorf("%+v", rep)
	}
	m := rep.Manifest
	if len(m.Policies) != 1 || m.Policies[0].State != "whole" || len(m.Tools) != 1 || m.Tools[0].State != "listed" ||
		len(m.Parts) != 2 || m.Parts[0].Rows != 1 || m.Parts[1].Absent == "" || m.Logs[0].Product != "test" {
		t.Errorf("%+v", m)
	}
	if rep := verify(t, archive, incident.VerifyOptions{Key: key(t, w)}); rep.Err() != nil || rep.Pinned != incident.PinnedByKey {
		t.Errorf("%+v", rep)
	}
}

// kindOf is the name of a file without what differs between files of one kind.
var kindOf = regexp.MustCompile(`[0-9a-f]{64}|\d{8}T[0-9a-f-]+|\d{6}`)

func TestFilters(t *testing.T) {
	w := filled(t)
	for name, c := range map[string]struct {
		filter audit.Filter
		want   func(r *audit.Record) bool
	}{
		"principal": {audit.Filter{Principal: "alice"}, func(r *audit.Record) bool { return r.Principal == "alice" }},
		"session":   {audit.Filter{Session: "s-bob"}, func(r *audit.Record) bool { return r.Session == "s-bob" }},
		"tool":      {audit.Filter{Tool: "files/mo?e_*"}, func(r *audit.Record) bool { return r.Target == "move_file" }},
		"nobody":    {audit.Filter{Principal: "carol"}, func(*audit.Record) bool { return false }},
		"time": {audit.Filter{Since: begin.Add(4 * time.Minute), Until: begin.Add(9 * time.Minute)}, func(r *audit.Record) bool {
			return !r.Time.Before(begin.Add(4*time.Minute)) && r.Time.Before(begin.Add(9*time.Minute))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			archive := w.export(func(o *incident.Options) { o.Filter = c.filter })
			if err := verify(t, archive, incident.VerifyOptions{}).Err(); err != nil {
				t.Fatal(err)
			}
			want := map[string]bool{}
			found, err := audit.Query(t.Context(), w.state, audit.Filter{Limit: 1000})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range found {
				if c.want(&f.Record) {
					want[string(f.Line)] = true
				}
			}
			got := 0
			for _, f := range unpacked(t, archive) {
				if !strings.Contains(f.name, "/records-") {
					continue
				}
				for line := range strings.Lines(string(f.data)) {
					if line = strings.TrimSpace(line); !strings.HasPrefix(line, `{"v":`) {
						continue
					}
					got++
					if !want[line] {
						t.Errorf("was not asked for: %s", line)
					}
				}
			}
			if got != len(want) || name == "time" && got < 2 {
				t.Errorf("%d records, want %d", got, len(want))
			}
		})
	}
}

// TestWhatIsBrokenBefore exports what is no longer whole: it says so.
func TestWhatIsBrokenBefore(t *testing.T) {
	change := func(t *testing.T, w *world, f func([]byte) []byte) {
		t.Helper()
		segments, err := filepath.Glob(filepath.Join(w.state, "audit", "*", "00000000.jsonl"))
		if err != nil || len(segments) != 2 {
			t.Fatal(segments, err)
		}
		b, err := os.ReadFile(segments[0])
		if err == nil {
			err = os.WriteFile(segments[0], f(b), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Run("a record was changed", func(t *testing.T) {
		w := filled(t)
		change(t, w, func(b []byte) []byte { return bytes.Replace(b, []byte(`"bob"`), []byte(`"bub"`), 1) })
		rep := verify(t, w.export(nil), incident.VerifyOptions{})
		if len(rep.Broken) != 0 || len(rep.Found) != 1 || !strings.Contains(rep.Err().Error(), "the record is not the one that was signed") {
			t.Errorf("%+v, %v", rep, rep.Err())
		}
		if rep.Manifest.Logs[0].Size == 0 || rep.Manifest.Logs[0].Size >= 15 {
			t.Errorf("what stands before it is not proved: %+v", rep.Manifest.Logs[0])
		}
	})
	t.Run("a log is missing", func(t *testing.T) {
		w := filled(t)
		logs, err := filepath.Glob(filepath.Join(w.state, "audit", "2*"))
		if err != nil || os.RemoveAll(logs[0]) != nil {
			t.Fatal(err)
		}
		rep := verify(t, w.export(nil), incident.VerifyOptions{})
		if len(rep.Broken) != 0 || len(rep.Found) != 1 || !strings.Contains(rep.Err().Error(), "is missing") {
			t.Errorf("%+v, %v", rep, rep.Err())
		}
	})
	t.Run("bodies were dropped", func(t *testing.T) {
		w := filled(t)
		change(t, w, func(b []byte) []byte {
			var kept []byte
			for line := range bytes.Lines(b) {
				if !bytes.HasPrefix(line, []byte(`{"body":`)) {
					kept = append(kept, line...)
				}
			}
			return kept
		})
		rep := verify(t, w.export(nil), incident.VerifyOptions{})
		if rep.Err() != nil || rep.Bodies != 12 || rep.Dropped != 12 {
			t.Errorf("%+v, %v", rep, rep.Err())
		}
	})
	t.Run("torn", func(t *testing.T) {
		w := filled(t)
		// A crash leaves the last group without its end.
		segments, err := filepath.Glob(filepath.Join(w.state, "audit", "*", "00000000.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(segments[1])
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(segments[1], b[:len(b)-40], 0o600); err != nil {
			t.Fatal(err)
		}
		rep := verify(t, w.export(nil), incident.VerifyOptions{})
		if rep.Err() != nil || !rep.Manifest.Logs[1].Torn || rep.Records != 29 {
			t.Errorf("%+v, %v", rep, rep.Err())
		}
	})
	t.Run("live", func(t *testing.T) {
		w := filled(t)
		l := w.open()
		w.call(l, "alice", "write_file")
		rep := verify(t, w.export(nil), incident.VerifyOptions{})
		if rep.Err() != nil || !rep.Manifest.Logs[2].Live || rep.Records != 33 {
			t.Errorf("%+v, %v", rep, rep.Err())
		}
	})
}

func TestPolicies(t *testing.T) {
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		t.Fatal(err)
	}
	secret := "fake-" + hex.EncodeToString(random)
	for name, c := range map[string]struct {
		text  string
		mask  func([]byte) ([]byte, bool)
		state string
	}{
		"masked": {policyText, func(b []byte) ([]byte, bool) {
			return bytes.ReplaceAll(b, []byte("rules"), []byte("XXXXX")), true
		}, "masked"},
		"withheld": {policyText, func([]byte) ([]byte, bool) { return nil, false }, "withheld"},
		"changed":  {policyText + secret, func(b []byte) ([]byte, bool) { return b, true }, "changed"},
		"missing":  {"", nil, "missing"},
	} {
		t.Run(name, func(t *testing.T) {
			w := filled(t)
			path := "policy/" + digestOf(policyText) + ".yaml"
			w.write(path, c.text)
			if c.text == "" {
				if err := os.Remove(filepath.Join(w.state, path)); err != nil {
					t.Fatal(err)
				}
			}
			archive := w.export(func(o *incident.Options) {
				if c.mask != nil {
					o.Mask = c.mask
				}
			})
			rep := verify(t, archive, incident.VerifyOptions{})
			if rep.Err() != nil || rep.Manifest.Policies[0].State != c.state || (rep.Manifest.Policies[0].File != "") != (c.state == "masked") {
				t.Errorf("%+v, %v", rep.Manifest.Policies, rep.Err())
			}
			for _, f := range unpacked(t, archive) {
				if bytes.Contains(f.data, []byte(secret)) || c.state == "masked" && strings.Contains(f.name, "policy/") && bytes.Contains(f.data, []byte("rules")) {
					t.Errorf("%s holds what must not leave", f.name)
				}
			}
		})
	}
}

func TestToolsOfThatTime(t *testing.T) {
	w := filled(t)
	l := w.open() // lists nothing new, so no event tells
	since := w.clock.tick()
	w.call(l, "alice", "write_file")
	l.Close()
	later := func(o *incident.Options) { o.Filter.Since = since }
	tools := func() []incident.Tools {
		t.Helper()
		rep := verify(t, w.export(later), incident.VerifyOptions{})
		if rep.Err() != nil || rep.Records != 3 {
			t.Fatalf("%+v, %v", rep, rep.Err())
		}
		return rep.Manifest.Tools
	}
	if got := tools(); len(got) != 1 || got[0].State != "listed" || got[0].Digest != listDigest || got[0].File == "" {
		t.Errorf("%+v", got)
	}
	path := "catalog/history/files-" + listDigest + ".json"
	w.write(path, `{"lists":{"tools":[{"name":"wipe"}]}}`)
	if got := tools(); len(got) != 1 || got[0].State != "changed" || got[0].File != "" {
		t.Errorf("%+v", got)
	}
	if err := os.Remove(filepath.Join(w.state, path)); err != nil {
		t.Fatal(err)
	}
	if got := tools(); len(got) != 1 || got[0].State != "missing" {
		t.Errorf("%+v", got)
	}
}

func TestExportRefuses(t *testing.T) {
	w := filled(t)
	if err := os.Remove(filepath.Join(w.state, "key")); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := incident.Export(t.Context(), &b, w.options()); !errors.Is(err, ostiary.CodeStateUnsafe) || b.Len() > 0 {
		t.Errorf("without the key: %v, %d bytes", err, b.Len())
	}
	w = filled(t)
	o := w.options()
	o.Filter.Text = "x"
	if _, err := incident.Export(t.Context(), io.Discard, o); err == nil {
		t.Error("a text that is not looked at is no error")
	}
	o = w.options()
	o.Parts[0].Rows = func(yield func(any, error) bool) { yield(nil, io.ErrUnexpectedEOF) }
	if _, err := incident.Export(t.Context(), io.Discard, o); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("rows that cannot be read: %v", err)
	}
}
