package policy

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
)

// dataDir holds public evaluation sets; nothing of them is part of the project.
const dataDir = "../../shared/data"

func openData(t *testing.T, name string) *os.File {
	t.Helper()
	f, err := os.Open(filepath.Join(dataDir, name))
	if err != nil {
		t.Skipf("SKIPPED, not passed: the evaluation data is absent: %v", err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func claimsRead(name, description string, schema []byte) ostiary.Tool {
	yes := true
	return ostiary.Tool{Name: name, Description: description, InputSchema: schema, Annotations: ostiary.Annotations{ReadOnly: &yes}}
}

// TestJudgeOnAgentDojo pretends that every tool claims to be a read. Those whose
// names begin with a verb of reading are, all others are not.
func TestJudgeOnAgentDojo(t *testing.T) {
	for _, suite := range []string{"banking", "slack"} {
		f := openData(t, "agentdojo/"+suite+".json")
		var s struct {
			Tools []struct {
				Name, Description string
				InputSchema       json.RawMessage `json:"input_schema"`
			}
		}
		if err := json.NewDecoder(f).Decode(&s); err != nil || len(s.Tools) == 0 {
			t.Fatalf("%s: %v", suite, err)
		}
		for _, x := range s.Tools {
			effect, why := Judge(claimsRead(x.Name, x.Description, x.InputSchema))
			verb, _, _ := strings.Cut(x.Name, "_")
			if (effect == ostiary.EffectRead) != (verb == "get" || verb == "read") {
				t.Errorf("%s: %s is %v: %s", suite, x.Name, effect, why)
			}
		}
	}
}

// TestJudgeOnOtherServers counts, over definitions of other servers that all
// pretend to be reads, how many whose names lead with a verb of reading pass, and
// requires that none with an effect in its name does.
func TestJudgeOnOtherServers(t *testing.T) {
	for _, name := range []string{"dvmcp/tools.jsonl", "msb/tools.jsonl"} {
		f := openData(t, name)
		passed, readers, all := 0, 0, 0
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var x struct {
				Name, Description string
				Params            []struct{ Name string }
			}
			if err := json.Unmarshal(lines.Bytes(), &x); err != nil {
				t.Fatal(err)
			}
			properties := map[string]any{}
			for _, p := range x.Params {
				properties[p.Name] = map[string]any{}
			}
			schema, _ := json.Marshal(map[string]any{"type": "object", "properties": properties})
			effect, why := Judge(claimsRead(x.Name, x.Description, schema))
			all++
			if words := tokens(x.Name); len(words) > 0 && reads(words[0]) {
				readers++
				if effect == ostiary.EffectRead {
					passed++
				}
			}
			t.Logf("%-40s %s: %s", x.Name, effect, why)
			for _, verb := range []string{"delete", "remove", "send", "execute", "write", "create", "run"} {
				if strings.HasPrefix(x.Name, verb) && effect == ostiary.EffectRead {
					t.Errorf("%s: %s passes as a read", name, x.Name)
				}
			}
		}
		t.Logf("%s: %d tools, %d named like a read, %d of them pass", name, all, readers, passed)
		if passed*2 < readers {
			t.Errorf("%s: only %d of %d tools named like a read pass", name, passed, readers)
		}
	}
}
