package calltest

import "strings"

// script is what people do before a message: one act a line.
type script struct {
	*section
	control *section // instead of it where the guard is away

	acts, controlActs []act
}

// other keeps a policy or a list of tools for a restart.
func (p *parser) other(s *section) bool {
	for _, kind := range []struct{ head, tail string }{{"policy", ".yaml"}, {"tools", ".json"}} {
		middle, ok := strings.CutPrefix(s.name, kind.head)
		name, ends := strings.CutSuffix(middle, kind.tail)
		if ok && ends && name != "" && isSuffix(name) {
			p.c.others[s.name] = s
			if kind.head == "tools" {
				p.json(s, '[')
			}
			return true
		}
	}
	return false
}

// person keeps what people do under its suffix.
func (p *parser) person(s *section) bool {
	name, control := strings.CutPrefix(s.name, "control-")
	suffix, ok := strings.CutPrefix(name, "person")
	switch {
	case !ok || suffix != "" && !isSuffix(suffix):
		return false
	case control:
		p.controls[suffix] = s
	default:
		b := &script{section: s, acts: p.script(s)}
		p.scripts[suffix], p.before = b, append(p.before, b)
	}
	return true
}

// script reads a section person.
func (p *parser) script(s *section) (acts []act) {
	for i, text := range strings.Split(string(s.data), "\n") {
		text = strings.TrimSpace(text)
		if text == "" || text[0] == '#' {
			continue
		}
		a := act{line: s.line + i, text: text, flags: map[string]string{}}
		words, err := split(text)
		if err == nil {
			err = p.act(&a, words)
		}
		if err != nil {
			p.fail(a.line, "%s: %v", s.name, err)
			continue
		}
		acts = append(acts, a)
	}
	return acts
}

// people ties what people do to its control, and the files of restarts to those
// who name them.
func (p *parser) people() {
	for _, suffix := range sortedKeys(p.controls) {
		s := p.controls[suffix]
		if b := p.scripts[suffix]; b != nil {
			b.control, b.controlActs = s, p.script(s)
		} else {
			p.fail(s.line-1, "%s belongs to nothing: there is no section person%s", s.name, suffix)
		}
	}
	for _, b := range p.before {
		p.fail(b.line-1, "after %s nothing is called, so it shows nothing: put it before a call", b.name)
	}
	for _, file := range sortedKeys(p.used) {
		if p.c.others[file] == nil && file != "policy.yaml" && file != "tools.json" {
			p.fail(p.used[file][0], "there is no section %s to restart with: %s", brief(file), meant(file, append(sortedKeys(p.c.others), "policy.yaml", "tools.json")))
		}
	}
	for _, file := range sortedKeys(p.c.others) {
		if p.used[file] == nil {
			kind := strings.FieldsFunc(file, func(r rune) bool { return r == '-' })[0]
			p.fail(p.c.others[file].line-1, "nobody uses the section %s: write `restart --%s %[1]s` into a section person", file, kind)
		}
	}
}
