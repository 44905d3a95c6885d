package calltest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/config"
	"github.com/ostiary/ostiary/wire"
)

// maxCase is the most bytes of one case.
const maxCase = 4 << 20

// The sections of one step, longest first, so that a name has one reading. Each
// may have a suffix behind a dash that ties those of one step together.
var stepSections = []string{
	"dry-run-forwarded", "control-reply", "control-call", "control-ask", "forwarded", "decision", "dry-run", "answer", "record", "reply", "call", "ask",
}

// textSections are those that are no JSON.
var textSections = []string{"comes-back", "stays-back"}

// folders are where files of a case may lie.
var folders = []string{"ws/", "outside/", "home/"}

// parser collects what is wrong with a case.
type parser struct {
	c     *testCase
	errs  []error
	seen  map[string]int
	parts map[string]map[string]*section

	before   []*script           // since the last message
	scripts  map[string]*script  // by suffix
	controls map[string]*section // of scripts, by suffix
	used     map[string][]int    // files of restarts, with the lines that name them
}

// parse reads an archive as the file of that name. Its error joins one
// *ostiary.Error with CodeConfigInvalid, and its place, for everything wrong.
func parse(file string, data []byte) (*testCase, error) {
	p := &parser{
		c:    &testCase{file: file, upstream: "up", principal: "alice", repeat: 1, timeout: 10 * time.Second, others: map[string]*section{}},
		seen: map[string]int{}, parts: map[string]map[string]*section{},
		scripts: map[string]*script{}, controls: map[string]*section{}, used: map[string][]int{},
	}
	if len(data) > maxCase {
		p.fail(1, "a case has at most %d bytes", maxCase)
		return nil, errors.Join(p.errs...)
	}
	a := txtar.Parse(data)
	p.directives(a.Comment)
	line := 1 + bytes.Count(a.Comment, []byte("\n"))
	for _, f := range a.Files {
		p.section(section{name: f.Name, line: line + 1, data: f.Data})
		line += 1 + bytes.Count(f.Data, []byte("\n"))
	}
	p.tie()
	p.people()
	p.whole()
	if err := errors.Join(p.errs...); err != nil {
		return nil, err
	}
	return p.c, nil
}

func (p *parser) fail(line int, format string, args ...any) {
	p.errs = append(p.errs, &ostiary.Error{
		Code:    ostiary.CodeConfigInvalid,
		Message: fmt.Sprintf("%s:%d: %s", p.c.file, line, fmt.Sprintf(format, args...)),
	})
}

// meant continues a sentence about a word that is not known.
func meant(got string, known []string) string {
	if n := config.Nearest(got, known); n != "" {
		return fmt.Sprintf("did you mean %q?", n)
	}
	return "there are " + strings.Join(known, ", ")
}

// section sorts one file of the archive into its place.
func (p *parser) section(s section) {
	if first, twice := p.seen[s.name]; twice {
		p.fail(s.line-1, "the section %s stands twice; the first is in line %d", brief(s.name), first)
		return
	}
	p.seen[s.name] = s.line - 1
	for _, dir := range folders {
		if strings.HasPrefix(s.name, dir) || strings.HasPrefix(s.name, "ws-") && strings.Contains(s.name, "/") {
			p.file(s)
			return
		}
	}
	switch s.name {
	case "policy.yaml":
		p.c.policy = &s
	case "control-policy.yaml":
		p.c.control = &s
	case "tools.json":
		p.c.tools = &s
		p.json(&s, '[')
	case "links":
		p.linkLines(s)
	case "events":
		p.c.events = &s
	default:
		if !p.other(&s) && !p.person(&s) {
			p.stepSection(s)
		}
	}
}

func (p *parser) file(s section) {
	if !isFile(s.name) {
		p.fail(s.line-1, "%s is no name of a file below %s", brief(s.name), strings.Join(folders, ", "))
		return
	}
	p.c.files = append(p.c.files, s)
}

func isFile(name string) bool {
	return path.Clean(name) == name && !strings.Contains(name, "..") && !strings.ContainsRune(name, 0)
}

func inWorkspace(name string) bool { return strings.HasPrefix(name, "ws/") && isFile(name) }

func (p *parser) linkLines(s section) {
	for i, text := range strings.Split(strings.TrimSuffix(string(s.data), "\n"), "\n") {
		if strings.TrimSpace(text) == "" {
			continue
		}
		name, target, ok := strings.Cut(text, "->")
		name, target = strings.TrimSpace(name), strings.TrimSpace(target)
		if !ok || target == "" || strings.ContainsRune(text, 0) || path.Clean(name) != name ||
			!slices.ContainsFunc(folders, func(d string) bool { return strings.HasPrefix(name, d) }) {
			p.fail(s.line+i, "write a link as `ws/NAME -> TARGET`")
			continue
		}
		p.c.links = append(p.c.links, link{name, target})
	}
}

// stepSection keeps a section of a step under its suffix; tie makes the steps.
func (p *parser) stepSection(s section) {
	stem, isJSON := strings.CutSuffix(s.name, ".json")
	for _, kind := range slices.Concat(stepSections, textSections) {
		suffix, ok := strings.CutPrefix(stem, kind)
		isText := slices.Contains(textSections, kind)
		if isJSON == isText || !ok || (suffix != "" && !isSuffix(suffix)) {
			continue
		}
		if p.parts[suffix] == nil {
			p.parts[suffix] = map[string]*section{}
		}
		p.parts[suffix][kind] = &s
		if isText {
			return
		}
		if kind == "call" || kind == "ask" {
			p.c.steps = append(p.c.steps, &step{name: s.name, ask: kind == "ask", message: &s, before: p.before})
			p.before = nil
		} else if kind != "control-call" && kind != "control-ask" {
			p.json(&s, '{')
		}
		return
	}
	known := append([]string{"policy.yaml", "control-policy.yaml", "tools.json", "links", "person", "control-person", "events", "ws/…"}, textSections...)
	for _, kind := range stepSections {
		known = append(known, kind+".json")
	}
	p.fail(s.line-1, "unknown section %s: %s", brief(s.name), meant(s.name, known))
}

func nameOf(kind, suffix string) string {
	if slices.Contains(textSections, kind) {
		return kind + suffix
	}
	return kind + suffix + ".json"
}

func isSuffix(s string) bool {
	return s[0] == '-' && len(s) > 1 && !strings.ContainsFunc(s[1:], func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-'
	})
}

// tie gives each step what has its suffix.
func (p *parser) tie() {
	for _, s := range p.c.steps {
		suffix := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(s.name, "call"), "ask"), ".json")
		parts := p.parts[suffix]
		if parts == nil || parts["call"] != nil && parts["ask"] != nil {
			p.fail(s.message.line-1, "call%[1]s.json and ask%[1]s.json are one step each: give them different suffixes", suffix)
			continue
		}
		control, other := "control-call", "control-ask"
		if s.ask {
			control, other = other, control
		}
		s.control = parts[control]
		if extra := parts[other]; extra != nil {
			p.fail(extra.line-1, "%s belongs to no step: there is no %s", extra.name, strings.TrimPrefix(extra.name, "control-"))
		}
		s.reply, s.controlReply = parts["reply"], parts["control-reply"]
		s.decision, s.record, s.forwarded, s.answer = parts["decision"], parts["record"], parts["forwarded"], parts["answer"]
		s.dryRun, s.dryRunForwarded = parts["dry-run"], parts["dry-run-forwarded"]
		s.comesBack, s.staysBack = parts["comes-back"], parts["stays-back"]
		s.back, s.away = p.phrases(s.comesBack), p.phrases(s.staysBack)
		if s.dryRunForwarded != nil && s.dryRun == nil {
			p.fail(s.dryRunForwarded.line-1, "%s says what a dry run looks like that must not be: add %s", s.dryRunForwarded.name, s.section("dry-run"))
		}
		p.step(s)
		delete(p.parts, suffix)
	}
	for _, suffix := range sortedKeys(p.parts) {
		for _, kind := range sortedKeys(p.parts[suffix]) {
			p.fail(p.parts[suffix][kind].line-1, "%s belongs to no step: there is no call%[3]s.json and no ask%[3]s.json", nameOf(kind, suffix), kind, suffix)
		}
	}
}

// step checks what is said about one message.
func (p *parser) step(s *step) {
	if s.decision == nil {
		if s.reply == nil {
			p.fail(s.message.line-1, "nothing is expected of %s: add a decision.json, or a reply.json if it must pass", s.name)
		}
	} else {
		p.verdict(s)
	}
	if s.record != nil {
		p.keys(s.record, recordKeys())
	}
	for _, m := range []*section{s.message, s.control} {
		if m == nil {
			continue
		}
		if len(bytes.TrimSpace(m.data)) == 0 {
			p.fail(m.line-1, "%s is empty: write the params of tools/call, or a whole message", m.name)
		} else if !json.Valid(m.data) && bytes.ContainsRune(bytes.TrimSpace(m.data), '\n') {
			p.fail(m.line-1, "%s is no JSON, so it is sent as it stands and must be one line", m.name)
		}
	}
}

var (
	verdicts     = []string{"allow", "answer", "deny"}
	decisionKeys = []string{"verdict", "code", "stage", "message", "reason", "would", "would_reason", "retryAfter"}
)

func (p *parser) verdict(s *step) {
	keys := p.keys(s.decision, decisionKeys)
	if keys == nil {
		return
	}
	at := places(s.decision)
	if json.Unmarshal(keys["verdict"], &s.verdict) != nil || !slices.Contains(verdicts, s.verdict) {
		p.fail(at.line("/verdict"), "%s needs \"verdict\": \"allow\", \"answer\" or \"deny\"", s.decision.name)
		return
	}
	if s.verdict == "deny" && keys["code"] == nil {
		p.fail(at.line(""), "%s expects a refusal and must say which: add its \"code\", see docs/reference/codes.md", s.decision.name)
	}
}

// keys checks the keys of an object against those that are known.
func (p *parser) keys(s *section, known []string) map[string]json.RawMessage {
	var m map[string]json.RawMessage
	if json.Unmarshal(s.data, &m) != nil {
		return nil // said already
	}
	for _, key := range sortedKeys(m) {
		if !slices.Contains(known, key) {
			p.fail(places(s).line("/"+key), "%s: unknown key %s: %s", s.name, brief(key), meant(key, known))
		}
	}
	return m
}

// json reports a section that is not one JSON value of the kind that begins so.
func (p *parser) json(s *section, open byte) {
	var v any
	err := json.Unmarshal(s.data, &v)
	var syntax *json.SyntaxError
	switch text := bytes.TrimSpace(s.data); {
	case errors.As(err, &syntax):
		p.fail(s.line+bytes.Count(s.data[:max(0, min(int(syntax.Offset)-1, len(s.data)))], []byte("\n")), "%s: %v", s.name, err)
	case err != nil:
		p.fail(s.line, "%s: %v", s.name, err)
	case text[0] != open:
		p.fail(s.line, "%s must be a JSON %s", s.name, map[byte]string{'{': "object", '[': "array"}[open])
	}
}

// whole checks what concerns the case as a whole.
func (p *parser) whole() {
	c := p.c
	switch {
	case c.threat == "":
		p.fail(1, "a case names its threat: add a line such as `threat: path traversal`")
	case c.policy != nil && c.policyFile != "":
		p.fail(c.policy.line-1, "the case has a policy.yaml and the directive policy: give only one of them")
	}
	if len(c.steps) == 0 {
		p.fail(1, "a case has at least one call: add a section call.json")
		return
	}
	unshown := false
	for i, s := range c.steps {
		if s.staysBack != nil && i < c.twist() {
			p.fail(s.staysBack.line-1, "what must not come back needs a control that shows that it does without the guard: add control-policy.yaml, or control-%s", s.name)
		}
		if s.refused() && !unshown && !c.shown(i) {
			unshown = true
			p.fail(s.decision.line-1, "a case that expects a refusal needs a control that shows that the call works without the guard: add control-policy.yaml, or control-%s", s.name)
		}
		if s.ask && c.era == wire.EraModern {
			p.fail(s.message.line-1, "a server sends no requests in the modern era; remove the directive era: or the section %s", s.name)
		}
	}
}

func brief(s string) string {
	const most = 60
	if len(s) > most {
		s = s[:most] + "…"
	}
	return fmt.Sprintf("%q", s)
}
