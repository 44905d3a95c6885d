package approval

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

func TestEncode(t *testing.T) {
	full := sample()
	full.Args, full.Beside, full.Preview, full.PreviewError = nil, nil, nil, "" // only Get gives these
	full.identity = digest{1, 2, 3}
	for name, r := range map[string]Request{"empty": {}, "full": full} {
		got, err := readBack(encode(&r))
		if err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("%s: %+v (%v), want %+v", name, got, err, r)
		}
	}
	// Every field that is not for Get alone is kept.
	for name, set := range fields() {
		if name == "Args" || name == "Beside" || strings.HasPrefix(name, "Preview") {
			continue
		}
		var r Request
		set(&r, "x")
		got, err := readBack(encode(&r))
		if v := reflect.ValueOf(got).FieldByName(name); err != nil || v.Len() == 0 {
			t.Errorf("%s is lost: %+v (%v)", name, got, err)
		}
	}
	b := encode(&full)
	for i := range b {
		if _, err := readBack(b[:i]); err == nil {
			t.Errorf("%d bytes of %d are read", i, len(b))
		}
	}
	if _, err := readBack(append(b, 0)); err == nil {
		t.Error("more than a row is read")
	}
	b[0]++
	if _, err := readBack(b); err == nil {
		t.Error("another layout is read")
	}
	full.Target, full.Why = strings.Repeat("é", 1<<20), make([]string, 1000)
	if b := encode(&full); len(b) > 32<<10 {
		t.Errorf("a row has %d bytes", len(b))
	}
}

func FuzzDecode(f *testing.F) {
	r := sample()
	f.Add(encode(&r))
	f.Add(encode(&Request{}))
	f.Add([]byte{layout, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := readBack(b)
		if err != nil {
			return
		}
		again, err := readBack(encode(&r))
		if err != nil || !bytes.Equal(encode(&again), encode(&r)) {
			t.Errorf("%+v is read as %+v (%v)", r, again, err)
		}
		Card(r)
	})
}

func readBack(b []byte) (r Request, err error) {
	err = decode(b, &r)
	return r, err
}
