package incident_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/incident"
)

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

func TestErrCountsWhatIsBroken(t *testing.T) {
	for n, want := range map[int]string{1: "1 place is broken", 2: "2 places are broken"} {
		r := incident.Report{Broken: make([]incident.Broken, n)}
		if e := ostiary.AsError(r.Err()); e.Reason != want {
			t.Errorf("%q, want %q", e.Reason, want)
		}
	}
}
