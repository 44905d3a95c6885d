package ostiary

// Finding is one thing that a filter or a comparison found in what came back: a
// secret, a hidden character, a sentence that reads like an instruction.
type Finding struct {
	// ID names it for people ("f-" and letters of the call's id with a number);
	// it is unique in a state directory.
	ID string
	// Stage is the filter that found it, Rule what it found: redact and
	// github-pat, untrusted and tags, detect and role_header.
	Stage, Rule string
	// Pointer is the JSON pointer of the text, from the root of the result, the
	// error or the params; Start and End are bytes of the decoded text.
	Pointer    string
	Start, End int
	// Action is what was done: redacted, blocked, reported, excepted, revealed,
	// marked, withheld.
	Action string
	// Value is a keyed hash of what was found, for exceptions; never the thing
	// itself. "" where there is no one value.
	Value string
	// Score is how sure a signal is, from 0 to 1; 0 for what is no signal.
	Score float64
}

// MaxFindings is how many findings of one result are kept; Result.Found counts on.
const MaxFindings = 64

// Find adds a finding, as long as there is room for it, and counts it.
func (r *Result) Find(f Finding) {
	r.Found++
	if len(r.Findings) < MaxFindings {
		r.Findings = append(r.Findings, f)
	}
}
