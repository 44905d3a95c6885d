package ostiary

import "fmt"

// Effect is what a call does to the world. The zero value is EffectUnknown,
// which every check treats like EffectDestructive.
type Effect uint8

// The effects, in the order in which an annotation can only make a rule stricter.
const (
	EffectUnknown Effect = iota
	EffectRead
	EffectWrite
	EffectDestructive
	EffectExecute
	EffectSpend
)

var effectNames = [...]string{"unknown", "read", "write", "destructive", "execute", "spend"}

// String returns the word used in configuration and records.
func (e Effect) String() string {
	if int(e) < len(effectNames) {
		return effectNames[e]
	}
	return effectNames[EffectUnknown]
}

// MarshalText implements encoding.TextMarshaler.
func (e Effect) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. The word "unknown" is not
// one that a person may write.
func (e *Effect) UnmarshalText(b []byte) error {
	for i, name := range effectNames[1:] {
		if string(b) == name {
			*e = Effect(i + 1)
			return nil
		}
	}
	return fmt.Errorf("unknown effect %q: use read, write, destructive, execute or spend", b)
}

// IsEffect reports whether a call of this kind can change something.
func (e Effect) IsEffect() bool { return e != EffectRead }

// Asks reports whether a person decides about calls of this kind unless a rule
// says otherwise.
func (e Effect) Asks() bool { return e != EffectRead && e != EffectWrite }
