package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// specimen is one text of an evaluation set: a result, or a definition with its
// parameters.
type specimen struct {
	Source, Kind, Name string
	Attack             bool
	Definition         bool
	Unlabelled         bool // the set does not say which it is
	// Texts are scanned each by itself; the highest score counts.
	Texts []string
	// Core is the attack by itself, where the set has it.
	Core string
}

// dataDir is where the evaluation data lies.
func dataDir() string {
	if dir := os.Getenv("OSTIARY_DATA"); dir != "" {
		return dir
	}
	return "../shared/data"
}

// readSpecimens reads all sets that are there, and says aloud which are not.
func readSpecimens() ([]specimen, error) {
	var all []specimen
	for _, set := range []struct {
		name string
		read func() ([]specimen, error)
	}{
		{"bipia", readBIPIA}, {"injecagent", readInjecAgent}, {"msb", readMSB}, {"dvmcp", readDVMCP},
		{"agentdojo", readAgentDojo}, {"notinject", readNotInject},
	} {
		some, err := set.read()
		if errors.Is(err, fs.ErrNotExist) {
			log.Printf("detect: SKIPPED, not measured: the data set %s is absent: %v", set.name, err)
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", set.name, err)
		}
		all = append(all, some...)
	}
	return all, nil
}

func readJSON(name string, into any) error {
	b, err := os.ReadFile(filepath.Join(dataDir(), name))
	if err != nil {
		return err
	}
	return json.Unmarshal(b, into)
}

func readLines[T any](name string) (all []T, err error) {
	f, err := os.Open(filepath.Join(dataDir(), name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var one T
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, lines.Err()
}

// readBIPIA puts each attack into three e-mails: at the beginning, in the middle
// and at the end, as the benchmark does. The e-mails by themselves are benign.
func readBIPIA() (all []specimen, err error) {
	mails, err := readLines[struct{ Context string }]("bipia/email/train.jsonl")
	if err != nil {
		return nil, err
	}
	for i, m := range mails {
		all = append(all, specimen{Source: "bipia", Kind: "e-mail", Name: fmt.Sprint("e-mail ", i), Texts: []string{m.Context}})
	}
	n := 0
	for _, kind := range []string{"text", "code"} {
		var attacks map[string][]string
		if err := readJSON("bipia/"+kind+"_attack_train.json", &attacks); err != nil {
			return nil, err
		}
		for _, name := range slices.Sorted(maps.Keys(attacks)) {
			for i, attack := range attacks[name] {
				for place := range 3 {
					mail := mails[n%len(mails)].Context
					n++
					lines := strings.Split(mail, "\n")
					at := []int{0, len(lines) / 2, len(lines)}[place]
					text := strings.Join(slices.Insert(lines, at, attack), "\n")
					all = append(all, specimen{Source: "bipia", Kind: kind, Name: fmt.Sprintf("%s %d, place %d", name, i, place), Attack: true, Texts: []string{text}, Core: attack})
				}
			}
		}
	}
	return all, nil
}

// readInjecAgent takes the enhanced responses, the same without the sentence that
// the enhanced setting puts in front of the attacker's wish, and the responses with
// an ordinary sentence in its place, which are benign.
func readInjecAgent() (all []specimen, err error) {
	const place = "<Attacker Instruction>"
	seen := map[string]bool{}
	for _, part := range []string{"dh", "ds"} {
		var cases []struct {
			Response    string `json:"Tool Response"`
			Template    string `json:"Tool Response Template"`
			Instruction string `json:"Attacker Instruction"`
			Tool        string `json:"User Tool"`
		}
		if err := readJSON("injecagent/test_cases_"+part+"_enhanced.json", &cases); err != nil {
			return nil, err
		}
		for i, c := range cases {
			name := fmt.Sprintf("%s %d", part, i)
			all = append(all,
				specimen{Source: "injecagent", Kind: "enhanced", Name: name, Attack: true, Texts: []string{c.Response}, Core: core(c.Response, c.Template, place, c.Instruction)},
				specimen{Source: "injecagent", Kind: "without its prefix", Name: name, Attack: true, Texts: []string{strings.ReplaceAll(c.Template, place, c.Instruction)}, Core: c.Instruction})
			if !seen[c.Template] {
				seen[c.Template] = true
				all = append(all, specimen{Source: "injecagent", Kind: "response", Name: c.Tool, Texts: []string{strings.ReplaceAll(c.Template, place, "It was delivered on Tuesday, and we are content with it.")}})
			}
		}
	}
	var kits []struct {
		Name  string `json:"name_for_model"`
		Tools []struct {
			Name, Summary string
			Parameters    []struct{ Name, Description string }
		}
	}
	if err := readJSON("injecagent/tools.json", &kits); err != nil {
		return nil, err
	}
	for _, k := range kits {
		for _, t := range k.Tools {
			s := specimen{Source: "injecagent", Kind: "definition", Name: k.Name + " " + t.Name, Definition: true, Texts: []string{t.Summary}}
			for _, p := range t.Parameters {
				s.Texts = append(s.Texts, p.Name+": "+p.Description)
			}
			all = append(all, s)
		}
	}
	return all, nil
}

// injected is what stands in a text where it differs from its template.
func injected(text, template, place string) string {
	head, tail, _ := strings.Cut(template, place)
	same := 0
	for same < min(len(head), len(text)) && head[same] == text[same] {
		same++
	}
	text = text[same:]
	for len(text) > 0 && len(tail) > 0 && text[len(text)-1] == tail[len(tail)-1] {
		text, tail = text[:len(text)-1], tail[:len(tail)-1]
	}
	return text
}

// core is what was injected; where quoting differs too much, the attacker's wish.
func core(text, template, place, wish string) string {
	if c := injected(strings.Trim(text, `"`), template, place); len(c) < len(wish)+400 {
		return c
	}
	return wish
}

type toolLine struct {
	File, Variant, Name, Description string
	Params                           []struct{ Name, Type string }
}

func (t toolLine) specimen(source string) specimen {
	s := specimen{Source: source, Kind: t.Variant, Name: t.File + " " + t.Name, Definition: true, Texts: []string{t.Description}}
	for _, p := range t.Params {
		s.Texts = append(s.Texts, p.Name+": "+p.Type)
	}
	return s
}

// readMSB takes the definitions that an attack changed, each once: most of those
// that the set files under an attack are those of the benign server word for word.
// What stands in its files attack.py is of no declared type, and by itself.
func readMSB() (all []specimen, err error) {
	tools, err := readLines[toolLine]("msb/tools.jsonl")
	seen := map[string]bool{}
	for _, benign := range []bool{true, false} {
		for _, t := range tools {
			if benign != (t.Variant == "base") {
				continue
			}
			s := t.specimen("msb")
			key := strings.Join(append(s.Texts, t.Name), "\x00")
			if seen[key] {
				continue
			}
			seen[key] = true
			s.Attack = !benign
			if benign && strings.HasSuffix(t.File, "/attack.py") {
				s.Kind, s.Unlabelled = "attack.py", true
			}
			all = append(all, s)
		}
	}
	return all, err
}

// poisoned are the definitions of DVMCP that speak to the model; the set has no
// labels. Of two of one name it is the longer. The others are vulnerable in other
// ways, which no text shows.
var poisoned = []string{"get_company_data", "search_company_database", "get_user_profile", "malicious_check_system_status", "calculate", "enhanced_calculate"}

func readDVMCP() (all []specimen, err error) {
	tools, err := readLines[toolLine]("dvmcp/tools.jsonl")
	for _, t := range tools {
		s := t.specimen("dvmcp")
		shadowed := slices.ContainsFunc(tools, func(o toolLine) bool { return o.Name == t.Name && len(o.Description) > len(t.Description) })
		s.Attack = slices.Contains(poisoned, t.Name) && !shadowed
		s.Kind = "definition"
		all = append(all, s)
	}
	return all, err
}

// readAgentDojo takes the results of the user tasks, with the default text where an
// attack would stand, and the definitions of the tools. All of it is benign.
func readAgentDojo() (all []specimen, err error) {
	for _, suite := range []string{"banking", "slack"} {
		var s struct {
			Tools []struct{ Name, Description string }
			Tasks []struct {
				ID    string
				Steps []struct {
					Tool   string
					Result any
				}
			} `json:"user_tasks"`
			Goals   []struct{ Goal string }             `json:"injection_tasks"`
			Vectors map[string]struct{ Default string } `json:"injection_vectors"`
		}
		if err := readJSON("agentdojo/"+suite+".json", &s); err != nil {
			return nil, err
		}
		for _, t := range s.Tools {
			all = append(all, specimen{Source: "agentdojo", Kind: "definition", Name: suite + " " + t.Name, Definition: true, Texts: []string{t.Description}})
		}
		var templates struct{ Templates, Defaults map[string]string }
		if err := readJSON("agentdojo/attack_templates.json", &templates); err != nil {
			return nil, err
		}
		for i, g := range s.Goals {
			for _, name := range slices.Sorted(maps.Keys(templates.Templates)) {
				fill := strings.NewReplacer("{goal}", g.Goal, "{user}", templates.Defaults["user"], "{model}", templates.Defaults["model"], "{tools}", "")
				all = append(all, specimen{Source: tuningSource, Kind: "AgentDojo " + name, Name: fmt.Sprint(suite, " ", i), Attack: true, Texts: []string{fill.Replace(templates.Templates[name])}})
			}
		}
		seen := map[string]bool{}
		for _, task := range s.Tasks {
			for i, step := range task.Steps {
				text, ok := step.Result.(string)
				if !ok {
					b, err := json.Marshal(step.Result)
					if err != nil {
						return nil, err
					}
					text = string(b)
				}
				for name, v := range s.Vectors {
					text = strings.ReplaceAll(text, "<CANARY---"+name+"--->", v.Default)
				}
				if !seen[text] {
					seen[text] = true
					all = append(all, specimen{Source: "agentdojo", Kind: "result", Name: fmt.Sprintf("%s %s step %d, %s", suite, task.ID, i, step.Tool), Texts: []string{text}})
				}
			}
		}
	}
	return all, nil
}

// readNotInject takes the benign prompts that are full of the words that attacks
// use.
func readNotInject() (all []specimen, err error) {
	var one []struct{ Prompt string }
	if err := readJSON("notinject/NotInject_one.json", &one); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for i, p := range one {
		seen[p.Prompt] = true
		all = append(all, specimen{Source: "notinject", Kind: "one", Name: fmt.Sprint("one ", i), Texts: []string{p.Prompt}})
	}
	var mixed []struct {
		Prompt, Source string
		Label          int
	}
	if err := readJSON("notinject/valid.json", &mixed); err != nil {
		return nil, err
	}
	for i, p := range mixed {
		if kind, ok := strings.CutPrefix(p.Source, "NotInject_"); ok && !seen[p.Prompt] {
			all = append(all, specimen{Source: "notinject", Kind: kind, Name: fmt.Sprintf("%s, valid %d", kind, i), Texts: []string{p.Prompt}})
		} else if !ok && !strings.HasPrefix(p.Source, "BIPIA") {
			all = append(all, specimen{Source: tuningSource, Kind: p.Source, Name: fmt.Sprint("valid ", i), Attack: p.Label == 1, Texts: []string{p.Prompt}})
		}
	}
	return all, nil
}

// tuningSource are texts at which the rules may be tried out: they are in no figure.
const tuningSource = "tuning"
