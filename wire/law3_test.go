package wire

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/ostiary/ostiary"
)

// A reading is what one parser makes of a tools/call: method, name and arguments in
// a canonical text, or "refused".
type reading func(in []byte) string

const noReading = "refused"

// byStruct is encoding/json into a struct, which matches keys without their case
// and merges what stands twice.
func byStruct(in []byte) string {
	var m struct {
		Method string
		Params struct {
			Name      string
			Arguments map[string]any
		}
	}
	d := json.NewDecoder(bytes.NewReader(in)) // as servers read a stream: what follows is the next message
	d.UseNumber()
	if err := d.Decode(&m); err != nil {
		return noReading
	}
	if m.Params.Arguments == nil {
		return canonicalOf(m.Method, m.Params.Name, nil)
	}
	return canonicalOf(m.Method, m.Params.Name, m.Params.Arguments)
}

// byMap is encoding/json into a map, whose keys count as written.
func byMap(in []byte) string {
	var m map[string]any
	d := json.NewDecoder(bytes.NewReader(in))
	d.UseNumber()
	if err := d.Decode(&m); err != nil {
		return noReading
	}
	method, _ := m["method"].(string)
	params, _ := m["params"].(map[string]any)
	name, _ := params["name"].(string)
	return canonicalOf(method, name, params["arguments"])
}

// byDoor is what the gates are shown.
func byDoor(m *Message) (string, error) {
	var args any
	if m.Arguments != nil {
		var err error
		if args, err = Decode(m.Arguments); err != nil {
			return "", err
		}
	}
	return canonicalOf(m.Method, m.Name, args), nil
}

func canonicalOf(method, name string, args any) string {
	return canonicalText(method) + " " + canonicalText(name) + " " + canonicalValue(args)
}

// canonicalText writes a text as its UTF-16 units, so that a lone surrogate is seen.
func canonicalText(s string) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(s)) {
		fmt.Fprintf(&b, "%04x", u)
	}
	return `"` + b.String() + `"`
}

// canonicalValue writes numbers as the bits of a float64: that longer ones lose
// digits in some parsers is what the package does not claim to stop.
func canonicalValue(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(v)
	case string:
		return canonicalText(v)
	case json.Number:
		f, err := strconv.ParseFloat(string(v), 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return "bad number " + string(v)
		}
		return fmt.Sprintf("%016x", math.Float64bits(f))
	case []any:
		all := make([]string, len(v))
		for i, e := range v {
			all[i] = canonicalValue(e)
		}
		return "[" + strings.Join(all, ",") + "]"
	case map[string]any:
		all := make([]string, 0, len(v))
		for k, e := range v {
			all = append(all, canonicalText(k)+":"+canonicalValue(e))
		}
		slices.Sort(all)
		return "{" + strings.Join(all, ",") + "}"
	}
	return fmt.Sprintf("unknown %T", v)
}

const nodeReader = `
const text = s => '"' + Array.from({length: s.length}, (_, i) => s.charCodeAt(i).toString(16).padStart(4, '0')).join('') + '"';
const bits = n => { const b = Buffer.alloc(8); b.writeDoubleBE(n); return b.toString('hex'); };
const value = v => v === null || v === undefined ? 'null' : typeof v === 'boolean' ? String(v) : typeof v === 'string' ? text(v) :
  typeof v === 'number' ? bits(v) : Array.isArray(v) ? '[' + v.map(value).join(',') + ']' :
  '{' + Object.keys(v).map(k => text(k) + ':' + value(v[k])).sort().join(',') + '}';
const word = s => typeof s === 'string' ? s : '';
require('readline').createInterface({input: process.stdin}).on('line', line => {
  let out = 'refused';
  try {
    const m = JSON.parse(Buffer.from(line, 'base64').toString('utf8')), p = m.params || {};
    out = text(word(m.method)) + ' ' + text(word(p.name)) + ' ' + value(p.arguments);
  } catch {}
  process.stdout.write(out + '\n');
});`

// byNode is Node's JSON.parse, which most MCP servers are; nil without Node.
func byNode(t testing.TB) reading {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Log("Node.js is not installed, so JSON.parse is not compared")
		return nil
	}
	cmd := exec.Command(node, "-e", nodeReader)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	lines := bufio.NewReader(out)
	return func(msg []byte) string {
		if _, err := io.WriteString(in, base64.StdEncoding.EncodeToString(msg)+"\n"); err != nil {
			t.Fatal(err)
		}
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSuffix(line, "\n")
	}
}

func readings(t testing.TB) map[string]reading {
	all := map[string]reading{"Go into a struct": byStruct, "Go into a map": byMap}
	if node := byNode(t); node != nil {
		all["Node"] = node
	}
	return all
}

// agrees checks one message: if the door takes it, everybody reads what it reads.
func agrees(t testing.TB, all map[string]reading, in []byte) (taken bool) {
	t.Helper()
	m, err := Parse(in, Limits{})
	if err != nil || m.Kind != KindRequest || m.Method != "tools/call" {
		return false
	}
	want, err := byDoor(m)
	if err != nil {
		t.Fatalf("%q: %v", in, err)
	}
	for who, read := range all {
		if got := read(in); got != want {
			t.Errorf("%s reads %q as\n%s, the door as\n%s", who, in, got, want)
		}
	}
	return true
}

var taken = []string{
	call(`{"name":"t","arguments":{"path":"/ws/a","n":9007199254740993,"e":1e400,"z":-0,"f":1.50}}`),
	call(`{"\u006eame":"\ud83d\ude00","\u0061rguments":{"p\u0061th":"\u002fetc","":null,"__proto__":{"x":1}}}`),
	call(`{"name":"t"}`), call(`{"name":"t","arguments":{}}`),
	call(`{"name":"t\u0000u","arguments":{"a":[1,[true,{"b":[]}]]," a":1}}`),
	` {"params" : {"arguments":{"x":"\/"},"name":"é"},"id":1,"method":"tools\/call","jsonrpc":"2.0"} ` + "\r\n",
	call(`{"name":"t","arguments":{"constructor":1,"toString":2,"0":3,"10":4,"2":5},"_meta":{"arguments":{"a":1}}}`),
	call(`{"name":"t","arguments":{"n":123456789012345678901234567890,"tiny":1e-500,"long":0.1000000000000000055511151231257827}}`),
	call(`{"name":"t","arguments":{"s":"\u2028\u2029\ufeff\ufffd\ufffe"}}`),
}

// TestLaw3JudgeWhatIsSent compares the door's reading with those of the parsers
// that servers use. The control: each refused message is one that they read
// differently, or that one of them takes and another does not.
func TestLaw3JudgeWhatIsSent(t *testing.T) {
	all := readings(t)
	for _, in := range taken {
		if !agrees(t, all, []byte(in)) {
			t.Errorf("not taken: %s", in)
		}
	}
	for in, code := range map[string]ostiary.Code{
		call(`{"name":"t","arguments":{"a":1},"arguments":{"b":2}}`):              ostiary.CodeWireDuplicate, // merged, or the last
		call(`{"name":"read","arguments":{},"NAME":"delete"}`):                    ostiary.CodeWireDuplicate,
		call(`{"name":"t","arguments":{"path":"/ws"},"Arguments":{"path":"/e"}}`): ostiary.CodeWireDuplicate,
		call(`{"name":"t","Arguments":{"path":"/e"}}`):                            ostiary.CodeWireDuplicate,
		call("{\"name\":\"t\xe2\x82\"}"):                                          ostiary.CodeWireUTF8,
		call(`{"name":"t","arguments":{"a":"\ud800"}}`):                           ostiary.CodeWireUTF8,
		call(`{"name":"t"}`) + call(`{"name":"u"}`):                               ostiary.CodeWireTrailing,
	} {
		if _, err := Parse([]byte(in), Limits{}); !errors.Is(err, code) {
			t.Errorf("%q: %v, want %s", in, err, code)
		}
		said := map[string]bool{}
		for _, read := range all {
			said[read([]byte(in))] = true
		}
		if len(said) < 2 && all["Node"] != nil {
			t.Errorf("%q: all parsers read the same, so it is no control", in)
		}
	}
}

// What Parse takes for a call means the same to every parser.
func FuzzLaw3JudgeWhatIsSent(f *testing.F) {
	seeds(f)
	for _, in := range taken {
		f.Add([]byte(in))
	}
	all := readings(f)
	f.Fuzz(func(t *testing.T, in []byte) { agrees(t, all, in) })
}
