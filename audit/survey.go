package audit

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// survey is what a new log finds when it looks at the others.
type survey struct {
	newest   string // greatest log id
	heads    []Head // to be committed to
	repaired []Repaired

	settled []string // logs that have ended and that a log commits to, sorted
	ended   []string // logs that the new one settles
}

// settledFile lists the logs that need no further look, so that thousands of old
// logs do not slow a start down. It can be deleted: the next log then commits to
// all of them again. Its first line is a MAC under the signing key, since whoever
// could add a name to it could hide that log.
const settledFile = "settled"

// surveyLogs looks at all logs, under the lock of the state directory.
func surveyLogs(root string, k *key, log *slog.Logger) (*survey, error) {
	ids, err := logIDs(root)
	if err != nil {
		return nil, err
	}
	s := &survey{}
	if len(ids) > 0 {
		s.newest = ids[len(ids)-1]
	}
	s.settled, err = readSettled(root, k)
	if err != nil {
		log.Warn("audit: the list of settled logs cannot be trusted; all logs are committed to again", "err", err)
	}
	known := make(map[string]bool, len(s.settled))
	for _, id := range s.settled {
		known[id] = true
	}
	for _, id := range ids {
		if known[id] {
			continue
		}
		if err := s.look(root, id, k, log); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// look finds the head of one log, and repairs its end if its process has died.
func (s *survey) look(root, id string, k *key, log *slog.Logger) error {
	dir := filepath.Join(root, id)
	lock, alive, err := lockLog(dir)
	if err != nil {
		return err
	}
	if alive {
		end, err := findEnd(dir, id, k.verifier)
		if err != nil {
			return err
		}
		s.heads = append(s.heads, end.head)
		return nil
	}
	defer lock.Close()
	end, err := findEnd(dir, id, k.verifier)
	if err != nil {
		return err
	}
	fix, err := end.repair()
	if err != nil {
		return err
	}
	if fix != nil {
		log.Warn("audit: repaired the end of a log whose process had died", "log", id,
			"bytes_cut", fix.Cut, "records", fix.Size, "damaged", fix.Damaged)
		s.repaired = append(s.repaired, *fix)
	}
	s.heads = append(s.heads, end.head)
	s.ended = append(s.ended, id)
	return nil
}

// settle notes the logs that have ended and that a durable record now names.
func (s *survey) settle(root string, k *key, rand io.Reader) error {
	if len(s.ended) == 0 {
		return nil
	}
	all := slices.Concat(s.settled, s.ended)
	slices.Sort(all)
	text := strings.Join(all, "\n") + "\n"
	return writeWhole(filepath.Join(root, settledFile), []byte(k.seal(text)+"\n"+text), rand)
}

func readSettled(root string, k *key) ([]string, error) {
	raw, err := os.ReadFile(filepath.Join(root, settledFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	mac, text, _ := strings.Cut(string(raw), "\n")
	if !hmac.Equal([]byte(mac), []byte(k.seal(text))) {
		return nil, errors.New("it was not written with this key")
	}
	return strings.Fields(text), nil
}

func (k *key) seal(text string) string {
	mac := hmac.New(sha256.New, k.sealing[:])
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

// logIDs returns the names of all logs, oldest first.
func logIDs(root string) ([]string, error) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, e := range entries {
		if e.IsDir() && validLogID(e.Name()) {
			ids = append(ids, e.Name())
		}
	}
	return ids, nil
}

// segmentsOf counts the segments of a log up to the first gap; strayIn tells what
// lies behind one.
func segmentsOf(dir string) (int, error) {
	for n := 0; ; n++ {
		_, err := os.Lstat(filepath.Join(dir, segmentName(n)))
		if errors.Is(err, fs.ErrNotExist) {
			return n, nil
		}
		if err != nil {
			return 0, err
		}
	}
}

// strayIn says what in a log's directory the log has not left there, or nothing:
// a segment behind one that is missing, or a name that no log gives. A process
// that lives may add segments meanwhile, so a missing one is looked for again.
func strayIn(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	last := -1
	for _, e := range entries {
		n, known := segmentNumber(strings.TrimSuffix(e.Name(), ".torn"))
		if !known {
			return fmt.Sprintf("%.80q lies in its directory, and no log leaves such a file", e.Name()), nil
		}
		if !strings.HasSuffix(e.Name(), ".torn") {
			last = max(last, n)
		}
	}
	count, err := segmentsOf(dir)
	if err != nil || count > last {
		return "", err
	}
	return fmt.Sprintf("segment %s is missing, and %s lies behind it", segmentName(count), segmentName(last)), nil
}

// segmentNumber reads the name of a segment; it is false for any other name.
func segmentNumber(name string) (int, bool) {
	n, err := strconv.Atoi(strings.TrimSuffix(name, ".jsonl"))
	return n, err == nil && n >= 0 && name == segmentName(n)
}
