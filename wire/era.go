package wire

// Era is one of the two families of protocol revisions; it is decided per
// request. The zero value is EraLegacy.
type Era uint8

// The eras. As a set of eras, see Eras.
const (
	EraLegacy Era = iota // up to 2025-11-25: initialize, then a session
	EraModern            // 2026-07-28 and later: every request says its revision
)

// String returns the word used in records.
func (e Era) String() string {
	if e == EraModern {
		return "modern"
	}
	return "legacy"
}

// Eras is a set of eras.
type Eras uint8

// The sets.
const (
	LegacyOnly Eras = 1 << EraLegacy
	ModernOnly Eras = 1 << EraModern
	BothEras        = LegacyOnly | ModernOnly
)

// Has reports whether e is in the set.
func (s Eras) Has(e Era) bool { return s&(1<<e) != 0 }

// String returns "legacy", "modern", "legacy, modern" or "none".
func (s Eras) String() string {
	switch s & BothEras {
	case LegacyOnly:
		return "legacy"
	case ModernOnly:
		return "modern"
	case BothEras:
		return "legacy, modern"
	}
	return "none"
}

// metaVersion is the key in _meta by which a request is of the modern era.
const metaVersion = "io.modelcontextprotocol/protocolVersion"

// EraOf returns the era of a protocol revision, and whether the revision is one
// that this package knows.
func EraOf(version string) (Era, bool) {
	for _, v := range versions {
		if v.name == version {
			return v.era, true
		}
	}
	return EraLegacy, false
}

// versions are the revisions that this package knows, the newest first.
var versions = [...]struct {
	name string
	era  Era
}{
	{"2026-07-28", EraModern},
	{"2025-11-25", EraLegacy}, {"2025-06-18", EraLegacy}, {"2025-03-26", EraLegacy}, {"2024-11-05", EraLegacy},
}
