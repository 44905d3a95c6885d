package incident

import "time"

// Format is the layout of an archive, docs/reference/incident-archive.md.
const Format = 1

// Manifest says what an archive holds. Its SHA-256 is signed.
type Manifest struct {
	V    int       `json:"v"`
	Made time.Time `json:"made"`
	// Key is the public key of the logs, as in key.pub.
	Key       string    `json:"key"`
	Selection Selection `json:"selection"`
	Versions  Versions  `json:"versions"`
	// Logs are all logs of the state directory, oldest first.
	Logs []Log `json:"logs"`
	// Found is what verification of the logs found when they were exported.
	Found    []string `json:"found,omitempty"`
	Policies []Policy `json:"policies,omitempty"`
	Tools    []Tools  `json:"tools,omitempty"`
	Parts    []Rows   `json:"parts,omitempty"`
	// Files are all others than the manifest and its signature, in their order.
	Files []File `json:"files"`
}

// Selection is what was asked for; what is empty did not narrow.
type Selection struct {
	Since     *time.Time `json:"since,omitempty"`
	Until     *time.Time `json:"until,omitempty"`
	Principal string     `json:"principal,omitempty"`
	Session   string     `json:"session,omitempty"`
	Tool      string     `json:"tool,omitempty"`
	Upstream  string     `json:"upstream,omitempty"`
	Decision  string     `json:"decision,omitempty"`
	Code      string     `json:"code,omitempty"`
	Call      string     `json:"call,omitempty"`
}

// Versions are those of the exporter and of the formats.
type Versions struct {
	Ostiary string `json:"ostiary"`
	Go      string `json:"go"`
	Record  int    `json:"record"`
}

// Log is one log at the time of the export.
type Log struct {
	Log string `json:"log"`
	// Size and Root are those of its checkpoint; 0 and "" if it has none.
	Size int64  `json:"size"`
	Root string `json:"root,omitempty"`
	// Product is the version that wrote it, PID its process.
	Product string `json:"product,omitempty"`
	PID     int    `json:"pid,omitempty"`
	// Records is how many were selected, Bodies how many of them have a body here,
	// and Dropped how many had one that was removed before.
	Records int64 `json:"records"`
	Bodies  int64 `json:"bodies"`
	Dropped int64 `json:"dropped"`
	// Live is a log that was still written, Torn one that ends as after a crash.
	Live bool `json:"live,omitempty"`
	Torn bool `json:"torn,omitempty"`
}

// Policy is a policy file that selected records were judged by.
type Policy struct {
	Digest string `json:"digest"`
	File   string `json:"file,omitempty"`
	// State is whole (the file has the digest), masked (secrets in it were
	// replaced, so it has another digest), withheld (they could not be), missing
	// (the state directory has no such text), changed (it has another text under
	// this digest) or defaults (there was no file).
	State string `json:"state"`
}

// Tools are the definitions that a server listed.
type Tools struct {
	Upstream string `json:"upstream"`
	Digest   string `json:"digest,omitempty"`
	File     string `json:"file,omitempty"`
	// State is listed (an event of a log names the digest), kept (no event does, so
	// it is what the state directory kept last, perhaps of another time), missing, or
	// changed (the state directory has another list under this digest).
	State string `json:"state"`
}

// Rows are the approvals, grants, freezes, exceptions or pins at the time of the export.
type Rows struct {
	Name string `json:"name"`
	Rows int64  `json:"rows"`
	// Absent is why there are none.
	Absent string `json:"absent,omitempty"`
}

// File is one file of the archive.
type File struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"` // hexadecimal
}
