package wire

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// Messages at which anything quadratic, such as comparing every key with every
// other, would not end within the time that the test run has.
func TestManyKeysAndLongStrings(t *testing.T) {
	var b bytes.Buffer
	b.WriteString(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{`)
	for i := range 100_000 {
		fmt.Fprintf(&b, `"k\u0065y%d":%d,`, i, i)
	}
	b.WriteString(`"last":1}}}`)
	m, err := Parse(b.Bytes(), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Digest(m.Arguments); err != nil {
		t.Fatal(err)
	}
	backslashes := call(`{"name":"t","arguments":{"a":"` + strings.Repeat(`\\`, 1<<20) + `"}}`)
	if _, err := Parse([]byte(backslashes), Limits{}); err != nil {
		t.Fatal(err)
	}
	long := result(`{"content":[{"text":"` + strings.Repeat(`\ud83d\ude00`, 1<<18) + `"}]}`)
	if m, err = Parse([]byte(long), Limits{}); err != nil {
		t.Fatal(err)
	}
	if got := Text(m.Result, 200); len([]rune(got)) != 200 {
		t.Errorf("Text has %d characters", len([]rune(got)))
	}
}
