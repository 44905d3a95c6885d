package audit

import "golang.org/x/mod/sumdb/note"

// Kept returns the heads that checkpoints kept elsewhere vouch for, in the form
// that [VerifyOptions] takes. One that the key did not sign is an error.
func Kept(text []byte, key note.Verifier) ([]Claim, error) {
	claims, err := outsideClaims(text, key)
	if err != nil {
		return nil, err
	}
	var kept []Claim
	for _, c := range claims {
		kept = append(kept, Claim{c.Head, c.by})
	}
	return kept, nil
}
