package audit

import (
	"math"
	"strconv"

	"github.com/ostiary/ostiary"
)

// Finding is one thing that a filter found in what came back, never the thing itself.
type Finding struct {
	ID    string `json:"id"`
	Stage string `json:"stage"`
	Rule  string `json:"rule"`
	// Pointer is where, from the root of the result, the error or the params, and
	// Start at which byte of the decoded text. How long it is is not told: the
	// length of a secret helps whoever guesses it.
	Pointer string `json:"pointer,omitempty"`
	Start   int    `json:"start,omitempty"`
	// Action is what was done.
	Action string `json:"action,omitempty"`
	// Value is a keyed hash of what was found.
	Value string `json:"value,omitempty"`
	// Score is how sure a signal is, in thousandths.
	Score float64 `json:"score,omitempty"`
}

// maxWord bounds the texts of a finding that the filters choose.
const maxWord = 128

// findings are those of a result as a record keeps them. A pointer has names that the
// server chose, so it is redacted like other text from outside.
func (l *Log) findings(res *ostiary.Result) (found int, kept []Finding) {
	if res == nil || res.Found == 0 && len(res.Findings) == 0 {
		return 0, nil
	}
	kept = make([]Finding, 0, min(len(res.Findings), ostiary.MaxFindings))
	for _, f := range res.Findings[:min(len(res.Findings), ostiary.MaxFindings)] {
		kept = append(kept, Finding{
			ID: cut(f.ID, maxName), Stage: cut(f.Stage, maxWord), Rule: cut(f.Rule, maxWord),
			Pointer: l.redacted(f.Pointer, maxName), Start: max(f.Start, 0), Action: cut(f.Action, maxWord),
			Value: cut(f.Value, maxWord), Score: score(f.Score),
		})
	}
	return max(res.Found, len(kept)), kept
}

// score rounds to thousandths; what is no number from 0 to 1 is the nearest one.
func score(x float64) float64 {
	if math.IsNaN(x) {
		return 0
	}
	return math.Round(min(max(x, 0), 1)*1000) / 1000
}

func appendFinding(b []byte, f *Finding) []byte {
	b = appendString(append(b, `{"id":`...), f.ID)
	b = appendString(append(b, `,"stage":`...), f.Stage)
	b = appendString(append(b, `,"rule":`...), f.Rule)
	b = appendField(b, `,"pointer":`, f.Pointer)
	b = appendInt(b, `,"start":`, int64(f.Start))
	b = appendField(b, `,"action":`, f.Action)
	b = appendField(b, `,"value":`, f.Value)
	if f.Score != 0 {
		b = strconv.AppendFloat(append(b, `,"score":`...), f.Score, 'f', -1, 64)
	}
	return append(b, '}')
}
