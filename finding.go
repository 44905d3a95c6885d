package ostiary

import "strconv"

// Finding is one thing that a filter or a comparison found in what came back: a
// secret, a hidden character, a sentence that reads like an instruction.
type Finding struct {
	// ID names it for people; see FindingID. [Result.Find] gives one to a finding
	// without.
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

// FindingID names the n-th finding, from 1, in what a call brought. It is unique in a
// state directory, and tells the call.
func FindingID(call string, n int) string { return "f-" + call + "-" + strconv.Itoa(n) }

// Find adds a finding, as long as there is room for it, and counts it. In a line it
// gets the next id of its call. The first of a stage always has room, so that one
// kind of finding in great number does not hide that there is another.
func (r *Result) Find(f Finding) {
	r.Found++
	at := len(r.Findings)
	if at >= MaxFindings {
		if at = r.spare(f.Stage); at < 0 {
			return
		}
	}
	if f.ID == "" && r.call != "" {
		f.ID = FindingID(r.call, r.Found)
	}
	if at == len(r.Findings) {
		r.Findings = append(r.Findings, f)
		return
	}
	r.Findings[at] = f
}

// spare is the place of a finding that gives way to the first of a stage: the last one
// whose stage has another. It is negative if the stage is there.
func (r *Result) spare(stage string) int {
	seen := map[string]int{}
	for i := range r.Findings {
		if r.Findings[i].Stage == stage {
			return -1
		}
		seen[r.Findings[i].Stage]++
	}
	for i := len(r.Findings) - 1; i >= 0; i-- {
		if seen[r.Findings[i].Stage] > 1 {
			return i
		}
	}
	return -1
}
