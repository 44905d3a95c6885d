package demo

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/internal/demo/server"
)

// proof is what the evidence shows after the calls.
type proof struct {
	Records     int64 `json:"records"`
	Checkpoints int64 `json:"checkpoints"`
	// Secret is the call with the secret, Kept its arguments as the log has them.
	Secret int             `json:"secret_call"`
	Kept   json.RawMessage `json:"secret_arguments_in_log"`
	// Changed is the record in which one byte was changed, from From to To; Found
	// what verification says.
	Changed int64  `json:"changed_record"`
	From    string `json:"from"`
	To      string `json:"to"`
	Found   string `json:"found"`
}

// evidence reads what the door wrote, proves that it is whole and free of the
// secret, and that one changed byte is found.
func (s *show) evidence(ctx context.Context, shown []outcome) error {
	v, err := s.Verify(ctx, s.state)
	if err != nil {
		return err
	}
	p := proof{Records: v.Records, Checkpoints: v.Checkpoints}
	s.expect(v.Broken == "", "the evidence does not verify: %s", v.Broken)
	if p.Secret, p.Kept, err = s.secret(shown); err != nil {
		return err
	}
	if err := s.tamper(ctx, shown, &p); err != nil {
		return err
	}
	return s.print.evidence(p)
}

// secret looks for the token and the key in every file of the state directory and returns
// what the log kept of the arguments that carried it.
func (s *show) secret(shown []outcome) (n int, kept json.RawMessage, err error) {
	for _, o := range shown {
		if o.Tool == "secret" && o.Verdict == "allowed" {
			n = o.N
		}
	}
	if n == 0 {
		return 0, nil, nil // the call did not pass, which is wrong already
	}
	err = filepath.WalkDir(s.state, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		s.expect(!bytes.Contains(data, []byte(token)), "the secret of call %d stands in %s", n, path)
		s.expect(!bytes.Contains(data, []byte(server.Key())), "the key that the server gave away stands in %s", path)
		return err
	})
	if err != nil {
		return n, nil, err
	}
	at, err := findRecord(s.state, `"target":"secret"`)
	if err != nil {
		return n, nil, err
	}
	var body struct{ Args json.RawMessage }
	if err := json.Unmarshal(at.body, &body); err != nil {
		return n, nil, err
	}
	s.expect(len(body.Args) > 0, "the log kept nothing of the arguments of call %d", n)
	return n, body.Args, nil
}

// tamper changes one byte of the first refusal in a copy of the state directory:
// "deny" becomes "denx".
func (s *show) tamper(ctx context.Context, shown []outcome, p *proof) error {
	id := ""
	for _, o := range shown {
		if o.Verdict == "denied" {
			id = o.Call
			break
		}
	}
	copied := filepath.Join(s.dir, "copy")
	if err := copyEvidence(s.state, copied); err != nil {
		return err
	}
	at, err := findRecord(copied, `"call":"`+id+`"`)
	if err != nil || id == "" {
		return errors.Join(err, errors.New("no refusal was recorded whose record could be changed"))
	}
	p.Changed, p.From, p.To = at.n, `"deny"`, `"denx"`
	place := strings.Index(string(at.line), p.From)
	if place < 0 {
		return fmt.Errorf("the record of a refusal has no %s", p.From)
	}
	f, err := os.OpenFile(at.file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	const last = 4 // the y of "deny", behind the quote
	_, err = f.WriteAt([]byte{'x'}, at.offset+int64(place)+last)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	v, err := s.Verify(ctx, copied)
	if err != nil {
		return err
	}
	p.Found = v.Broken
	s.expect(v.Broken != "" && v.Record == at.n, "verification of the changed copy must name record %d and says %q", at.n, v.Broken)
	return nil
}

// copyEvidence copies the log and the public key, which is all that verification
// needs.
func copyEvidence(from, to string) error {
	if err := os.CopyFS(filepath.Join(to, "audit"), os.DirFS(filepath.Join(from, "audit"))); err != nil {
		return err
	}
	key, err := os.ReadFile(filepath.Join(from, "key.pub"))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(to, "key.pub"), key, 0o600)
}

// found is a record's line in a segment, and its body's line.
type found struct {
	file       string
	offset     int64
	n          int64
	line, body []byte
}

// findRecord returns the first record whose line contains a text.
func findRecord(state, text string) (*found, error) {
	files, err := filepath.Glob(filepath.Join(state, "audit", "*", "*.jsonl"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		at, err := findLine(data, text)
		if at != nil || err != nil {
			if at != nil {
				at.file = file
			}
			return at, err
		}
	}
	return nil, &ostiary.Error{Code: ostiary.CodeAuditUnavailable, Message: "the log has no record with " + text}
}

func findLine(data []byte, text string) (*found, error) {
	var at *found
	offset := int64(0)
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, len(data)+1)
	for lines.Scan() {
		line := lines.Bytes()
		var rec struct {
			N    *int64
			Body string
			Call string
		}
		if json.Unmarshal(line, &rec) != nil {
			break // zeros behind the last record
		}
		switch {
		case at != nil && rec.N == nil:
			at.body = bytes.Clone(line)
			return at, nil
		case at == nil && rec.N != nil && bytes.Contains(line, []byte(text)):
			at = &found{offset: offset, n: *rec.N, line: bytes.Clone(line)}
		}
		offset += int64(len(line)) + 1
	}
	return at, lines.Err()
}
