package policy

import "github.com/ostiary/ostiary"

// Suggest says which effect to write into a rule for a tool, and why: read only
// where Judge says so, write only where the server says that the tool destroys
// nothing, else the stricter of destructive and what the tool seems to be. A rule
// with write passes without a person, other than the defaults: ask for one there.
func Suggest(t ostiary.Tool) (ostiary.Effect, string) {
	judged, why := Judge(t)
	if judged == ostiary.EffectRead {
		return judged, why
	}
	seems, because := contradiction(t)
	if because == "" {
		because = "nothing else in it says what it does"
	}
	switch {
	case seems > ostiary.EffectDestructive:
		return seems, because
	case seems <= ostiary.EffectWrite && isFalse(t.Annotations.Destructive) && !isTrue(t.Annotations.ReadOnly):
		return ostiary.EffectWrite, "the server annotates it destructiveHint: false; " + because
	case seems == ostiary.EffectDestructive:
		return seems, because
	}
	return ostiary.EffectDestructive, why + "; " + because
}
