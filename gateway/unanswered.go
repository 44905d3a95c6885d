package gateway

// unanswered remembers the newest ids of requests that ended without an answer.
type unanswered struct {
	calls map[string]string // key -> call id
	order []idOfCall        // oldest first
	alike rounded           // ids of calls
}

type idOfCall struct{ key, call string }

// unansweredMost is how many ids are remembered.
const unansweredMost = 1024

func (u *unanswered) has(key string) bool {
	_, ok := u.calls[key]
	return ok
}

func (u *unanswered) add(key, call string) {
	if len(u.order) >= unansweredMost {
		oldest := u.order[0]
		if u.calls[oldest.key] == oldest.call {
			delete(u.calls, oldest.key)
			u.alike.remove(oldest.key)
		}
		u.order = u.order[1:]
	}
	u.calls[key] = call
	u.alike.add(key)
	u.order = append(u.order, idOfCall{key, call})
}

// take returns the call of an id and forgets it; "" if it is not known.
func (u *unanswered) take(key string) string {
	call := u.calls[key]
	delete(u.calls, key)
	u.alike.remove(key)
	return call
}
