package wire

import (
	"strings"
	"testing"
)

func TestRecoverHeadID(t *testing.T) {
	for in, want := range map[string]string{
		`{"jsonrpc":"2.0","id":7,"method":"x","params":{"a":"bbb`: `7`,
		`{"method":"x","id":"a","params":`:                        `"a"`,
		`{"method":"x","params":{"id":7,"a":"bbb`:                 ``,
		`{"id":7,"params":{"a":"bbb`:                              ``, // not to be told from a response
		`{"id":7,"result":{"method":"bbb`:                         ``,
		`{"id":7,"id":8,"method":"x","params":{"a":"bbb`:          ``,
		`{"id":7`:   ``,
		`[{"id":7,`: ``,
		``:          ``,
	} {
		if got := RecoverHeadID([]byte(in)); string(got) != want || (got == nil) != (want == "") {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}

func TestRecoverAnswerID(t *testing.T) {
	for _, tt := range []struct{ head, tail, want string }{
		{`{"jsonrpc":"2.0","id":7,"result":{"a":1,"a":2}}`, ``, `7`},
		{`{"result":{"a":1,"a":2},"jsonrpc":"2.0","id":"x"}`, ``, `"x"`},
		{`{"id":7,"error":5}`, ``, `7`},
		{`{"id":7,"result":{"a":}}`, ``, `7`},
		{`{"id":7,"result":{"a":"bbb`, `bbb"}}`, `7`},
		{`{"result":{"a":"bbb`, `bbb"},"jsonrpc":"2.0","id":42}`, `42`},
		{`{"result":{"a":"bbb`, `bbb"},"id":"a\"b","jsonrpc":"2.0"}`, `"a\"b"`},
		{`{"result":{"a":"bbb`, `bbb","id":42}}`, ``}, // inside
		{`{"result":{"a":"bbb`, `bbb"}}`, ``},
		{`{"id":7,"id":8,"result":{}}`, ``, ``},
		{`{"id":null,"result":{"a":1,"a":2}}`, ``, ``},
		{`{"id":7,"method":"x","params":[]}`, ``, ``},
		{`{"id":7,"method":"x","result":[]}`, ``, ``},
		{`{"id":7}`, ``, ``},
		{``, ``, ``},
	} {
		if got := RecoverAnswerID([]byte(tt.head), []byte(tt.tail)); string(got) != tt.want || (got == nil) != (tt.want == "") {
			t.Errorf("%s … %s: %q, want %q", tt.head, tt.tail, got, tt.want)
		}
	}
}

func TestResultTwin(t *testing.T) {
	for in, want := range map[string]bool{
		`{"resultType":"complete"}`:                               false,
		`{"resultType":"input_required","inputRequests":{}}`:      false,
		`{"ResultType":"input_required"}`:                         true,
		`{"resultType":"complete","resulttype":"input_required"}`: true,
		`{"inputrequests":{}}`:                                    true,
		`{"\u0049nputRequests":{}}`:                               true,
		`{"inputReque\u017fts":{}}`:                               true, // long s
		`{"content":[{"ResultType":1}],"structuredContent":{"INPUTREQUESTS":{}},"input":1,"result":2}`: false,
		`{` + manyMembers(40) + `,"RESULTTYPE":1}`:                                                     true,
	} {
		m, err := Parse([]byte(`{"jsonrpc":"2.0","id":1,"result":`+in+`}`), Limits{})
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if m.ResultTwin != want {
			t.Errorf("%s: %v, want %v", in, m.ResultTwin, want)
		}
	}
}

func manyMembers(n int) string {
	var all []string
	for i := range n {
		all = append(all, `"k`+strings.Repeat("x", i)+`":1`)
	}
	return strings.Join(all, ",")
}
