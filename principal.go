package ostiary

import "slices"

// Principal is who calls, as proved by the door: the operating-system user
// over stdio, a verified token over a network. It is never a name that a client
// gives itself. The zero value is nobody and may do nothing.
type Principal struct {
	// ID is the stable name that limits, scopes and records use.
	ID string
	// Client names the program that speaks for the principal, as far as the
	// door can prove it (over stdio, the executable of the parent process).
	Client string
	// Scopes are what the principal was given, and what that implies: whoever makes
	// a Principal adds it, and nobody else asks what implies what.
	Scopes []string
	// Apart says that the operating system has shown that the caller's program runs
	// as another user than the door, and not as root. False is not known.
	Apart bool
}

// IsNobody reports whether nobody was identified.
func (p Principal) IsNobody() bool { return p.ID == "" }

// HasScope reports whether the principal holds the scope.
func (p Principal) HasScope(scope string) bool { return slices.Contains(p.Scopes, scope) }

// MissingScopes returns those of want that the principal does not hold, in order.
func (p Principal) MissingScopes(want []string) []string {
	var missing []string
	for _, s := range want {
		if !p.HasScope(s) {
			missing = append(missing, s)
		}
	}
	return missing
}
