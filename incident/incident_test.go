package incident_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/incident"
	"github.com/ostiary/ostiary/wire"
)

// clock gives each record another minute.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) tick() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(time.Minute)
	return c.now
}

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

func digestOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// world is a state directory with some logs.
type world struct {
	t     testing.TB
	state string
	clock *clock
	calls int
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, state: filepath.Join(t.TempDir(), "state"), clock: &clock{now: begin}}
	return w
}

func (w *world) open() *audit.Log {
	w.t.Helper()
	l, err := audit.Open(audit.Options{
		Dir: w.state, Version: "test", PolicyDigest: digestOf(policyText), Logger: slog.New(slog.DiscardHandler), Clock: w.clock.tick,
		Redact:     func(c *ostiary.Call) []byte { return c.Arguments },
		RedactText: func(s string) string { return s },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { l.Close() })
	return l
}

// call records one write of a principal: intent and outcome.
func (w *world) call(l *audit.Log, principal, tool string) {
	w.t.Helper()
	w.calls++
	c := &ostiary.Call{
		ID: fmt.Sprintf("call-%d", w.calls), Principal: ostiary.Principal{ID: principal}, Session: "s-" + principal, Upstream: "files",
		Method: "tools/call", Class: ostiary.ClassTool, Target: tool, Effect: ostiary.EffectWrite,
		Rule:      &ostiary.Rule{Pattern: "files/*", Effect: ostiary.EffectWrite},
		Arguments: fmt.Appendf(nil, `{"path":"notes/%d.txt"}`, w.calls), Digest: ostiary.Digest{1},
	}
	e, err := l.Begin(c)
	if err == nil {
		err = errors.Join(e.Intent(ostiary.Allowed()), e.End(ostiary.Outcome{Decision: ostiary.Allowed(), Status: ostiary.StatusOK, Result: &ostiary.Result{Text: "wrote it"}}))
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// filled has two logs of alice and bob, a policy and a list of tools.
func filled(t testing.TB) *world {
	w := newWorld(t)
	for range 2 {
		l := w.open()
		if err := l.Note(ostiary.Event{Name: "catalog_listed", Subject: listDigest, Upstream: "files"}); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			w.call(l, "alice", "write_file")
			w.call(l, "bob", "move_file")
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	w.write("policy/"+digestOf(policyText)+".yaml", policyText)
	w.write("catalog/history/files-"+listDigest+".json", `{"upstream":"files","lists":{"tools":[{"name":"write_file"}]}}`)
	w.write("catalog/files.json", `{"tools":["other"]}`)
	return w
}

func (w *world) write(name, text string) {
	w.t.Helper()
	path := filepath.Join(w.state, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) options() incident.Options {
	return incident.Options{
		State: w.state, Version: "test", Now: func() time.Time { return begin.Add(24 * time.Hour) },
		Mask: func(text []byte) ([]byte, bool) { return text, true },
		Parts: []incident.Part{
			{Name: "grants", Rows: rows(map[string]string{"id": "g1"})},
			{Name: "freezes", Absent: "there is no store"},
		},
	}
}

func rows(all ...any) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		for _, v := range all {
			if !yield(v, nil) {
				return
			}
		}
	}
}

func (w *world) export(change func(*incident.Options)) []byte {
	w.t.Helper()
	o := w.options()
	if change != nil {
		change(&o)
	}
	var b bytes.Buffer
	if _, err := incident.Export(w.t.Context(), &b, o); err != nil {
		w.t.Fatal(err)
	}
	return b.Bytes()
}

func verify(t testing.TB, archive []byte, o incident.VerifyOptions) *incident.Report {
	t.Helper()
	rep, err := incident.Verify(context.Background(), bytes.NewReader(archive), o)
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

// file is one entry of an archive.
type file struct {
	name string
	data []byte
}

func unpacked(t testing.TB, archive []byte) []file {
	t.Helper()
	gz, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	var all []file
	for r := tar.NewReader(gz); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, file{h.Name, data})
	}
}

// packed is the archive of these files as the export would write them.
func packed(t testing.TB, files []file, change func(*tar.Header)) []byte {
	t.Helper()
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	w := tar.NewWriter(gz)
	for _, f := range files {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: f.name, Size: int64(len(f.data)), Mode: 0o600, ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}
		if change != nil {
			change(h)
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := w.Write(f.data); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := errors.Join(w.Close(), gz.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func key(t testing.TB, w *world) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(w.state, "key.pub"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

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

// TestEveryByteOfEveryFile changes one byte after the other in a file of each kind
// and looks for the file's name in what is found.
func TestEveryByteOfEveryFile(t *testing.T) {
	w := newWorld(t)
	for range 2 {
		l := w.open()
		if err := l.Note(ostiary.Event{Name: "catalog_listed", Subject: listDigest, Upstream: "files"}); err != nil {
			t.Fatal(err)
		}
		w.call(l, "alice", "write_file")
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	w.write("policy/"+digestOf(policyText)+".yaml", policyText)
	w.write("catalog/history/files-"+listDigest+".json", `{"upstream":"files","lists":{"tools":[{"name":"write_file"}]}}`)
	tried := map[string]bool{}
	for _, files := range [][]file{
		unpacked(t, w.export(nil)),
		unpacked(t, w.export(func(o *incident.Options) {
			o.Filter.Principal, o.Checkpoint = "alice", checkpoints(t, w)
			o.Mask = func([]byte) ([]byte, bool) { return []byte("version: 1 # masked\n"), true }
			o.Parts = append(o.Parts, incident.Part{Name: "approvals", Rows: rows("a")}, incident.Part{Name: "freezes", Rows: rows("f")})
		})),
	} {
		if err := verify(t, packed(t, files, nil), incident.VerifyOptions{}).Err(); err != nil {
			t.Fatal(err) // the control
		}
		for i, f := range files {
			kind := kindOf.ReplaceAllString(f.name, "X")
			if tried[kind] {
				continue
			}
			tried[kind] = true
			t.Run(strings.ReplaceAll(kind, "/", "_"), func(t *testing.T) { everyByte(t, files, i) })
		}
	}
	want := []string{
		"README.txt", "key.pub", "logs/X/checkpoint", "logs/X/consistency-X.jsonl", "logs/X/context-X.jsonl", "logs/X/opening-X.jsonl",
		"logs/X/records-X.jsonl", "manifest.json", "manifest.note", "policy/X.masked.yaml", "policy/X.yaml",
		"state/approvals-X.jsonl", "state/freezes-X.jsonl", "state/grants-X.jsonl", "tools/X.json",
	}
	if got := slices.Sorted(maps.Keys(tried)); !slices.Equal(got, want) {
		t.Errorf("tried %v, want %v", got, want)
	}
}

func everyByte(t *testing.T, files []file, i int) {
	f := files[i]
	step := max(1, len(f.data)/60)
	for at := 0; at < len(f.data); at += step {
		changed := slices.Clone(files)
		changed[i].data = bytes.Clone(f.data)
		changed[i].data[at] ^= 1
		rep := verify(t, packed(t, changed, nil), incident.VerifyOptions{})
		if !errors.Is(rep.Err(), ostiary.CodeIncidentBroken) {
			t.Fatalf("byte %d of %q is not missed", at, f.data)
		}
		if rep.Broken[0].File != f.name {
			t.Errorf("byte %d: named is %v", at, rep.Broken[0])
		}
	}
}

func TestChangedArchives(t *testing.T) {
	w := filled(t)
	archive := w.export(nil)
	files := unpacked(t, archive)
	find := func(part string) int {
		t.Helper()
		i := slices.IndexFunc(files, func(f file) bool { return strings.Contains(f.name, part) })
		if i < 0 {
			t.Fatalf("no file %s", part)
		}
		return i
	}
	records := find("/records-")
	lines := bytes.SplitAfter(files[records].data, []byte("\n"))
	firstLog := files[find("/checkpoint")].name[:len("logs/20260304T050607-089000000-00000000/")]
	with := func(i int, data []byte) []file {
		all := slices.Clone(files)
		all[i].data = data
		return all
	}
	body := slices.IndexFunc(lines, func(l []byte) bool { return bytes.HasPrefix(l, []byte(`{"body":`)) })
	other := filled(t)
	foreign := unpacked(t, other.export(nil))
	for name, c := range map[string]struct {
		files []file
		want  string
	}{
		"a record is dropped":     {with(records, bytes.Join(lines[2:], nil)), "/records-000000.jsonl is not as it was signed"},
		"a body is dropped":       {with(records, bytes.Join(slices.Delete(slices.Clone(lines), body, body+1), nil)), "/records-000000.jsonl is not as it was signed"},
		"a proof is dropped":      {with(records, bytes.Join(lines[1:], nil)), "/records-000000.jsonl:1 is not a record of this log"},
		"a record stands twice":   {with(records, append(bytes.Join(lines[:2], nil), files[records].data...)), "does not stand in its place"},
		"another body":            {with(records, bytes.Replace(files[records].data, []byte("notes/1"), []byte("notes/7"), 1)), "the body is not the one that record"},
		"a file is dropped":       {slices.Delete(slices.Clone(files), find("policy/"), find("policy/")+1), "policy/" + digestOf(policyText) + ".yaml is missing"},
		"a log is dropped":        {slices.DeleteFunc(slices.Clone(files), func(f file) bool { return strings.HasPrefix(f.name, firstLog) }), firstLog},
		"a file is added":         {slices.Insert(slices.Clone(files), 2, file{"state/more-000000.jsonl", []byte("{}\n")}), "state/more-000000.jsonl is not in the signed manifest"},
		"the signature is gone":   {files[:len(files)-1], "manifest.note is missing"},
		"the end is cut":          {files[:len(files)-4], "manifest.json is missing"},
		"files change places":     {append([]file{files[1], files[0]}, files[2:]...), "does not stand in its place"},
		"one more behind the end": {append(slices.Clone(files), file{"state/more-000000.jsonl", nil}), "stands behind the signed manifest"},
		"a foreign manifest":      {append(slices.Clone(files[:len(files)-2]), foreign[len(foreign)-2:]...), "manifest.note was not signed with this key"},
		"a foreign key":           {with(find("key.pub"), foreign[1].data), "checkpoint was not signed with this key"},
	} {
		t.Run(name, func(t *testing.T) {
			rep := verify(t, packed(t, c.files, nil), incident.VerifyOptions{})
			if err := rep.Err(); !errors.Is(err, ostiary.CodeIncidentBroken) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	t.Run("truncated", func(t *testing.T) {
		for n := range len(archive) {
			if n%37 != 0 {
				continue
			}
			rep, err := incident.Verify(t.Context(), bytes.NewReader(archive[:n]), incident.VerifyOptions{})
			if err == nil {
				err = rep.Err()
			}
			if !errors.Is(err, ostiary.CodeIncidentBroken) {
				t.Fatalf("%d of %d bytes: %v", n, len(archive), err)
			}
		}
	})
}

// TestMadeUp is a whole archive of somebody with another key: only what was kept
// elsewhere shows it.
func TestMadeUp(t *testing.T) {
	w, forger := filled(t), filled(t)
	archive := forger.export(nil)
	if err := verify(t, archive, incident.VerifyOptions{}).Err(); err != nil {
		t.Fatalf("the attack does not work: %v", err)
	}
	rep := verify(t, archive, incident.VerifyOptions{Key: key(t, w)})
	if err := rep.Err(); err == nil || !strings.Contains(err.Error(), "key.pub is another key than the one that was given") || rep.Pinned != "" {
		t.Errorf("%v, pinned by %q", err, rep.Pinned)
	}
	rep = verify(t, archive, incident.VerifyOptions{Checkpoint: checkpoints(t, w)})
	if err := rep.Err(); err == nil || !strings.Contains(err.Error(), "key.pub did not sign what was kept elsewhere") || rep.Pinned != "" {
		t.Errorf("%v, pinned by %q", err, rep.Pinned)
	}
}

// checkpoints are those of all logs, as a place elsewhere would have got them.
func checkpoints(t testing.TB, w *world) []byte {
	t.Helper()
	segments, err := filepath.Glob(filepath.Join(w.state, "audit", "*", "*.jsonl"))
	if err != nil || len(segments) == 0 {
		t.Fatal(err)
	}
	var kept []byte
	for _, s := range segments {
		b, err := os.ReadFile(s)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(b) {
			var c struct {
				Checkpoint string `json:"checkpoint"`
			}
			if json.Unmarshal(line, &c) == nil && c.Checkpoint != "" {
				text, err := json.Marshal(c)
				if err != nil {
					t.Fatal(err)
				}
				kept = append(append(kept, text...), '\n')
			}
		}
	}
	return kept
}

func TestCheckpointsKeptElsewhere(t *testing.T) {
	w := filled(t)
	kept := checkpoints(t, w)
	count := bytes.Count(kept, []byte("\n"))
	rep := verify(t, w.export(nil), incident.VerifyOptions{Checkpoint: kept})
	if rep.Err() != nil || rep.Pinned != incident.PinnedByCheckpoint || rep.Proved != 2 || rep.Unproved != count-2 {
		t.Errorf("without them in the export: %+v, %v", rep, rep.Err())
	}
	archive := w.export(func(o *incident.Options) { o.Checkpoint = kept })
	rep = verify(t, archive, incident.VerifyOptions{Checkpoint: kept})
	if rep.Err() != nil || rep.Proved != count || rep.Unproved != 0 {
		t.Errorf("with them: %+v, %v", rep, rep.Err())
	}
	// Whoever has the key made another history.
	l := w.open()
	w.call(l, "mallory", "write_file")
	l.Close()
	later := checkpoints(t, w)[len(kept):]
	rep = verify(t, archive, incident.VerifyOptions{Checkpoint: later})
	if err := rep.Err(); err == nil || !strings.Contains(err.Error(), "is missing") {
		t.Errorf("a log that the archive lacks: %v", err)
	}
}

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
