package redact

import "strings"

// inner is the result of a tool within what is said of its task: in revision 2026-07-28
// tasks/get and notifications/tasks hold it as their member result.
func (p *pass) inner(body []byte) (part, bool) {
	if !p.ofTask() {
		return part{}, false
	}
	m, ok := member(body, taskResult)
	return m, ok && body[m.value] == '{'
}

const taskResult = "result"

func (p *pass) ofTask() bool {
	return strings.HasPrefix(p.c.Method, "tasks/") || p.c.Method == "notifications/tasks"
}

// onResults changes the results of tools that a body holds: the one within it, if there
// is one, and the body itself. pointer is where change finds what it is given.
func (p *pass) onResults(body []byte, change func(result []byte, pointer string) []byte) []byte {
	if m, ok := p.inner(body); ok {
		was := body[m.value:m.end]
		if now := change(was, "/"+taskResult); !same(was, now) {
			body = replaced(body, m.value, m.end, now)
		}
	}
	return change(body, "")
}
