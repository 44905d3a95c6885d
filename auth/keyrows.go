package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/ostiary/ostiary"
)

// bucketKey holds prefix -> storedKey; the group is the principal.
const bucketKey = "auth_key"

// keyKept is how long a key that is over can still be listed.
const keyKept = 30 * 24 * time.Hour

func putKey(tx ostiary.Tx, k *storedKey) error {
	value, err := json.Marshal(k)
	if err != nil {
		return err
	}
	return tx.Put(bucketKey, ostiary.Row{Key: k.Prefix, Group: k.Principal, Expires: k.Expires.Add(keyKept), Value: value})
}

// decodeKey refuses what it does not understand whole: a field that it does not
// know may be a restriction.
func decodeKey(r *ostiary.Row) (*storedKey, error) {
	var k storedKey
	d := json.NewDecoder(bytes.NewReader(r.Value))
	d.DisallowUnknownFields()
	err := d.Decode(&k)
	if err == nil && (k.Prefix != r.Key || k.Principal == "" || k.Principal != r.Group || k.Expires.IsZero() || k.Hash == "") {
		err = errors.New("its fields contradict each other")
	}
	if err != nil {
		return nil, &ostiary.Error{Code: ostiary.CodeStoreUnavailable, Err: err,
			Message: "an API key cannot be read from the store, so it lets nobody in; the operator must look at it"}
	}
	return &k, nil
}

// findKey looks up what a person wrote: a prefix, the beginning of one, or a whole
// key, of which the secret is neither needed nor repeated.
func findKey(tx ostiary.Tx, ref string) (*storedKey, error) {
	ref, err := named(ref)
	if err != nil {
		return nil, err
	}
	var found []*storedKey
	for r, err := range tx.List(bucketKey, ostiary.Query{Prefix: ref, Limit: 2}) {
		if err != nil {
			return nil, err
		}
		k, err := decodeKey(&r)
		if err != nil {
			return nil, err
		}
		found = append(found, k)
	}
	switch len(found) {
	case 0:
		return nil, refuse(ostiary.CodeAuthKey, "no key begins with %q: `ostiary key list --all` shows those that are known", ref)
	case 1:
		return found[0], nil
	}
	return nil, refuse(ostiary.CodeAuthKey, "several keys begin with %q, %s and %s among them: write more of the prefix", ref, found[0].Prefix, found[1].Prefix)
}

// named reads the prefix, or its beginning, in what a person wrote.
func named(ref string) (string, error) {
	ref = strings.TrimSpace(ref)
	if looksLikeKey(ref) {
		ref, _, _ = strings.Cut(ref[len(keyStart):], "_")
	}
	ref = strings.ToLower(ref)
	if ref == "" || len(ref) > prefixLen || strings.Trim(ref, "abcdefghijklmnopqrstuvwxyz234567") != "" {
		return "", refuse(ostiary.CodeAuthKey, "that is no prefix of a key: `ostiary key list` shows them")
	}
	return ref, nil
}
