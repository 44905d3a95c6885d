package wire

import (
	"bytes"
	"fmt"
	"testing"
)

func TestSplice(t *testing.T) {
	raw := []byte(`0123456789`)
	for _, tt := range []struct {
		edits []Edit
		want  string
	}{
		{nil, "0123456789"},
		{[]Edit{{8, 10, []byte("x")}, {0, 2, nil}}, "234567x"},
		{[]Edit{{5, 5, []byte("a")}, {5, 5, []byte("b")}, {5, 6, []byte("c")}}, "01234abc6789"},
		{[]Edit{{0, 5, []byte("a")}, {5, 10, []byte("b")}}, "ab"},
		{[]Edit{{0, 5, nil}, {4, 6, nil}}, ""},
		{[]Edit{{-1, 1, nil}}, ""}, {[]Edit{{5, 4, nil}}, ""}, {[]Edit{{5, 11, nil}}, ""}, {[]Edit{{11, 11, nil}}, ""},
	} {
		got, err := Splice(raw, tt.edits...)
		if string(got) != tt.want || (err != nil) != (tt.want == "") {
			t.Errorf("%v: %q, %v", tt.edits, got, err)
		}
	}
}

func TestWithID(t *testing.T) {
	m, err := Parse([]byte(`{"big":9007199254740993, "id" : "a" ,"jsonrpc":"2.0","method":"ping"}`), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if got := string(m.WithID([]byte("77"))); got != `{"big":9007199254740993, "id" : 77 ,"jsonrpc":"2.0","method":"ping"}` {
		t.Error(got)
	}
	if _, _, ok := m.Offset([]byte("a")); ok {
		t.Error("a foreign slice has an offset")
	}
}

func ExampleSplice() {
	raw := []byte(`{"jsonrpc":"2.0", "id":1,"method":"tools/call","params":{"name":"rm","arguments":{"dry_run":false},"vendor":9007199254740993}}`)
	m, err := Parse(raw, Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	start, end, _ := m.Offset(m.Arguments)
	out, err := Splice(m.Raw, Edit{start, end, []byte(`{"dry_run":true}`)})
	fmt.Println(string(out), err)
	// Output: {"jsonrpc":"2.0", "id":1,"method":"tools/call","params":{"name":"rm","arguments":{"dry_run":true},"vendor":9007199254740993}} <nil>
}

// What no edit touches stays identical, byte for byte: big integers and unknown
// fields included.
func FuzzSplice(f *testing.F) {
	f.Add([]byte(`{"a":9007199254740993,"x-vendor":[1.50,"\u0041"]}`), 5, 21, []byte("1"), 22, 3)
	f.Add([]byte(``), 0, 0, []byte("x"), 0, 0)
	f.Fuzz(func(t *testing.T, raw []byte, start, end int, with []byte, at, n int) {
		before := bytes.Clone(raw)
		out, err := Splice(raw, Edit{start, end, with}, Edit{at, at + n, nil})
		if !bytes.Equal(raw, before) {
			t.Fatal("Splice changed its input")
		}
		bad := func(a, b int) bool { return a < 0 || b < a || b > len(raw) }
		overlap := start < at+n && at < end
		if bad(start, end) || bad(at, at+n) || overlap {
			if err == nil && (bad(start, end) || bad(at, at+n) || start < end && n > 0) {
				t.Fatalf("accepted %d-%d and %d-%d of %d", start, end, at, at+n, len(raw))
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		var want []byte
		for i := 0; i <= len(raw); i++ {
			if i == start {
				want = append(want, with...)
			}
			if i < len(raw) && !(start <= i && i < end) && !(at <= i && i < at+n) {
				want = append(want, raw[i])
			}
		}
		if !bytes.Equal(out, want) {
			t.Fatalf("got %q, want %q", out, want)
		}
	})
}
