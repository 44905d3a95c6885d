package hostile

import (
	"regexp"
	"testing"
)

// TestTexts checks that what is meant to match does, and that something almost does.
func TestTexts(t *testing.T) {
	re := regexp.MustCompile(`abc_[0-9]{4}`)
	yes, no := 0, 0
	for _, s := range Texts(re.String(), []string{"abc_"}, 100) {
		if len(s) != 100 {
			t.Fatalf("%d bytes", len(s))
		}
		if re.MatchString(s) {
			yes++
		} else {
			no++
		}
	}
	if yes == 0 || no == 0 {
		t.Errorf("%d match, %d do not", yes, no)
	}
}
