package freeze

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/ostiary/ostiary"
)

// bucket holds one row for each freeze in force, under the id of its scope.
const bucket = "freeze"

// Freeze is what is stopped now.
type Freeze struct {
	Scope Scope `json:"scope"`
	// Now says that calls in flight were ended too.
	Now bool `json:"now"`
	// Since is when the scope was frozen first. It is for people; a freeze holds
	// whatever the clock says.
	Since time.Time `json:"since"`
	// By is who froze it last, Channel where, Reason why.
	By      string `json:"by"`
	Channel string `json:"channel"`
	Reason  string `json:"reason"`
}

// read decodes a row. What it does not understand completely, such as a kind of
// freeze of a later version, is an error, which denies.
func read(r ostiary.Row) (Freeze, error) {
	var f Freeze
	d := json.NewDecoder(bytes.NewReader(r.Value))
	d.DisallowUnknownFields()
	err := d.Decode(&f)
	if err == nil && f.Scope.ID() != r.Key {
		_, _, err = f.Scope.kind()
	}
	if err != nil || f.Scope.ID() != r.Key {
		return Freeze{}, &ostiary.Error{
			Code: ostiary.CodeStoreUnavailable, Err: err,
			Message: "what is frozen cannot be read, so this call was refused: the operator must look at the state directory",
			Reason:  "the store's row for the freeze " + r.Key + " is none that this version writes",
		}
	}
	return f, nil
}

// all reads every freeze in force, in the order of their ids.
func all(tx ostiary.Tx) ([]Freeze, error) {
	var found []Freeze
	for r, err := range tx.List(bucket, ostiary.Query{}) {
		if err != nil {
			return nil, err
		}
		f, err := read(r)
		if err != nil {
			return nil, err
		}
		found = append(found, f)
	}
	return found, nil
}

func (f Freeze) row() (ostiary.Row, error) {
	value, err := json.Marshal(f)
	return ostiary.Row{Key: f.Scope.ID(), Value: value}, err
}
