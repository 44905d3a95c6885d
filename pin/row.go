package pin

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary"
)

// channel is that of what the door accepts by itself, at first use.
const channel = "gateway"

// bucket holds a row for each pin, in the group of its upstream.
const bucket = "pin"

// Kind is what of a server a pin is about.
type Kind string

// The kinds.
const (
	KindServer       Kind = "server"       // the program or the peer
	KindInstructions Kind = "instructions" // of its handshake
	KindInfo         Kind = "serverInfo"   // of its handshake, without the version
	KindCapability   Kind = "capability"   // of its handshake, an experimental one or an extension
	KindTool         Kind = "tool"
	KindPrompt       Kind = "prompt"
	KindTemplate     Kind = "template" // of resources; its name is the template
)

// Bounds of what is kept.
const (
	// textMost is how long the text of a form may be to be kept; of longer ones there
	// is the digest only.
	textMost = 256 << 10
	// textsMost is how much text is kept of one upstream's new forms at a time.
	textsMost = 8 << 20
	// acceptedMost and waitingMost are how many forms one pin has.
	acceptedMost = 8
	waitingMost  = 4
)

// Form is one form of what is pinned.
type Form struct {
	// Digest is that of the canonical text, in hex.
	Digest string `json:"digest"`
	// Text is the canonical text; "" if it was too long to be kept.
	Text string `json:"text,omitempty"`
	// Since is when it was accepted, or seen first. By, Channel and Reason are who
	// accepted it; at first use the channel is gateway.
	Since   time.Time `json:"since"`
	By      string    `json:"by,omitempty"`
	Channel string    `json:"channel,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	// Principal is who was shown it last, while it waits.
	Principal string `json:"principal,omitempty"`
	// Findings are what is suspicious about it, Shadows whom it passes for.
	Findings []string `json:"findings,omitempty"`
	Shadows  []Shadow `json:"shadows,omitempty"`
	// Held says that it waits for its shadows alone.
	Held bool `json:"held,omitempty"`
}

// Pin is what is known of one thing of a server.
type Pin struct {
	Upstream string `json:"upstream"`
	Kind     Kind   `json:"kind"`
	Name     string `json:"name,omitempty"`
	// Accepted may be called and shown, the newest last. Waiting waits for a person.
	Accepted []Form `json:"accepted,omitempty"`
	Waiting  []Form `json:"waiting,omitempty"`
	// Listed are the kinds whose lists were seen once; of the server only.
	Listed []Kind `json:"listed,omitempty"`
}

// String names the pin as the commands do.
func (p *Pin) String() string {
	if name := labelOf(p.Kind, p.Name); name != "" {
		return p.Upstream + "/" + name
	}
	return p.Upstream + " (" + string(p.Kind) + ")"
}

// labelOf is what people write behind the slash for one thing of many: the name of
// a tool, and that of anything else behind its kind. A tool whose name looks like
// that is written with its kind too.
func labelOf(k Kind, name string) string {
	before, _, kinded := strings.Cut(name, ":")
	switch k {
	case KindServer, KindInstructions, KindInfo:
		return ""
	case KindTool:
		if !kinded || !slices.Contains(entryKinds, Kind(before)) {
			return name
		}
	case KindPrompt, KindTemplate, KindCapability:
	}
	return string(k) + ":" + name
}

// entryKinds are those of which a server has many.
var entryKinds = []Kind{KindTool, KindPrompt, KindTemplate, KindCapability}

// keyOf names a row: names of tools are hashed, since they may be anything.
func keyOf(upstream string, k Kind, name string) string {
	d := sha256.Sum256([]byte(name))
	u := upstream
	if len(u) > 200 {
		d := sha256.Sum256([]byte(u))
		u = hex.EncodeToString(d[:])
	}
	return u + "/" + string(k) + "/" + hex.EncodeToString(d[:16])
}

func groupOf(upstream string) string {
	d := sha256.Sum256([]byte(upstream))
	return hex.EncodeToString(d[:16])
}

func (p *Pin) row() (ostiary.Row, error) {
	value, err := json.Marshal(p)
	return ostiary.Row{Key: keyOf(p.Upstream, p.Kind, p.Name), Group: groupOf(p.Upstream), Value: value}, err
}

// read decodes a row. What it does not understand completely is an error, which
// denies.
func read(r ostiary.Row) (*Pin, error) {
	var p Pin
	d := json.NewDecoder(bytes.NewReader(r.Value))
	d.DisallowUnknownFields()
	err := d.Decode(&p)
	if err == nil && (p.sound() != nil || keyOf(p.Upstream, p.Kind, p.Name) != r.Key || d.More()) {
		err = errNoRow
	}
	if err != nil {
		return nil, &ostiary.Error{Code: ostiary.CodeStoreUnavailable, Err: err,
			Message: "what is pinned cannot be read, so this call was refused: the operator must look at the state directory",
			Reason:  "the store's row for the pin " + r.Key + " is none that this version writes"}
	}
	return &p, nil
}

var errNoRow = ostiary.Code("store_unavailable")

func (p *Pin) sound() error {
	switch p.Kind {
	case KindServer, KindInstructions, KindInfo, KindCapability, KindTool, KindPrompt, KindTemplate:
	default:
		return errNoRow
	}
	if len(p.Accepted) > acceptedMost || len(p.Waiting) > waitingMost || p.Upstream == "" {
		return errNoRow
	}
	for _, forms := range [][]Form{p.Accepted, p.Waiting} {
		for i := range forms {
			if _, err := forms[i].digest(); err != nil {
				return err
			}
		}
	}
	return nil
}

// digest is the digest of the form; its text must be of it.
func (f *Form) digest() (d ostiary.Digest, err error) {
	raw, err := hex.DecodeString(f.Digest)
	if err != nil || len(raw) != len(d) {
		return d, errNoRow
	}
	copy(d[:], raw)
	if f.Text != "" && sha256.Sum256([]byte(f.Text)) != [32]byte(d) {
		return d, errNoRow
	}
	return d, nil
}

func all(tx ostiary.Tx, q ostiary.Query) ([]*Pin, error) {
	var found []*Pin
	for r, err := range tx.List(bucket, q) {
		if err != nil {
			return nil, err
		}
		p, err := read(r)
		if err != nil {
			return nil, err
		}
		found = append(found, p)
	}
	return found, nil
}

func index(forms []Form, digest string) int {
	for i := range forms {
		if forms[i].Digest == digest {
			return i
		}
	}
	return -1
}
