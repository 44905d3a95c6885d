package incident

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

var hexDigest = regexp.MustCompile(`^[0-9a-f]{64}$`)

// addPolicies packs the policies of the selected records.
func (e *exporter) addPolicies() error {
	for _, digest := range slices.Sorted(maps.Keys(e.policies)) {
		p := Policy{Digest: digest, State: "missing"}
		switch {
		case strings.Trim(digest, "0") == "":
			p.State = "defaults"
		case hexDigest.MatchString(digest):
			text, err := readSmall(filepath.Join(e.State, "policy", digest+".yaml"))
			if err != nil {
				return err
			}
			if text == nil {
				err = e.addMasked(&p)
			} else {
				err = e.addPolicy(&p, text)
			}
			if err != nil {
				return err
			}
		}
		e.m.Policies = append(e.m.Policies, p)
	}
	return nil
}

func (e *exporter) addPolicy(p *Policy, text []byte) error {
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != p.Digest {
		p.State = "changed"
		return nil
	}
	safe, ok := e.Mask(text)
	switch {
	case !ok:
		p.State = "withheld"
		return nil
	case string(safe) == string(text):
		p.State, p.File = "whole", "policy/"+p.Digest+".yaml"
	default:
		p.State, p.File = "masked", "policy/"+p.Digest+".masked.yaml"
	}
	return e.p.add(p.File, safe)
}

// addMasked packs the text of a policy that is kept without its secrets, so that
// its digest cannot be checked.
func (e *exporter) addMasked(p *Policy) error {
	text, err := readSmall(filepath.Join(e.State, "policy", p.Digest+".masked.yaml"))
	if err != nil || text == nil {
		return err
	}
	safe, ok := e.Mask(text)
	if !ok {
		p.State = "withheld"
		return nil
	}
	p.State, p.File = "masked", "policy/"+p.Digest+".masked.yaml"
	return e.p.add(p.File, safe)
}

// readSmall reads a file that fits into an archive; nil if there is none.
func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, unreadable(err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, unreadable(errors.Join(err, errors.New(path+" is no regular file")))
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, unreadable(err)
	}
	return text, nil
}

var partName = regexp.MustCompile(`^[a-z]{1,20}$`)

func (e *exporter) addParts() error {
	for _, part := range e.Parts {
		if !partName.MatchString(part.Name) {
			return misused("a part with the name " + part.Name)
		}
		row := Rows{Name: part.Name, Absent: part.Absent}
		to := lines{p: e.p, name: "state/" + part.Name}
		if part.Rows != nil {
			for v, err := range part.Rows {
				if err != nil {
					return err
				}
				line, err := json.Marshal(v)
				if err != nil {
					return err
				}
				if err := to.add(line); err != nil {
					return err
				}
				row.Rows++
			}
		}
		if err := to.flush(); err != nil {
			return err
		}
		e.m.Parts = append(e.m.Parts, row)
	}
	return nil
}
