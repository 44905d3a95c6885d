package calltest

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/wire"
)

// recordKeys are what a record section may say: the fields of an audit record,
// its body opened, and "kinds", the kinds of all records of the call in order.
func recordKeys() []string {
	keys := []string{"kinds"}
	t := reflect.TypeFor[audit.Record]()
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		keys = append(keys, name)
	}
	return keys
}

// calls are the records of a log, one entry a call, in the order of their first.
type calls struct {
	list  []map[string]any
	taken []bool
}

// callsOf puts the records of each call together: what the outcome says stands
// over what the intent says, and the body has the arguments of the one and the
// text of the other.
func callsOf(found []audit.Found) *calls {
	c := &calls{}
	at := map[string]int{}
	for _, f := range found {
		if f.Record.Call == "" || f.Record.Kind == audit.KindEvent {
			continue // what happened because of a call is no record of it
		}
		i, known := at[f.Record.Call]
		if !known {
			i = len(c.list)
			at[f.Record.Call] = i
			c.list = append(c.list, map[string]any{"kinds": []any{}, "body": map[string]any{}})
		}
		into := c.list[i]
		into["kinds"] = append(into["kinds"].([]any), f.Record.Kind)
		line, _ := decode(f.Line).(map[string]any)
		for key, v := range line {
			if key != "body" {
				into[key] = v
			}
		}
		more, _ := decode(f.Body).(map[string]any)
		for key, v := range more {
			if key != "body" {
				into["body"].(map[string]any)[key] = v
			}
		}
	}
	c.taken = make([]bool, len(c.list))
	return c
}

// take returns the first call that fits and was not taken yet; nil if none.
func (c *calls) take(fits func(map[string]any) bool) map[string]any {
	for i, r := range c.list {
		if !c.taken[i] && fits(r) {
			c.taken[i] = true
			return r
		}
	}
	return nil
}

// told is what an answer says of a decision of the door: the members of
// "ostiary/decision", and the message.
type told struct {
	Code       string
	Stage      string
	Call       string
	RetryAfter json.Number
	message    string
}

// toldIn reads a refusal of the door out of an answer; nil if it is none.
func toldIn(answer []byte) *told {
	var m struct {
		Result struct {
			Meta    map[string]json.RawMessage `json:"_meta"`
			Content []struct{ Text string }
		}
		Error *struct {
			Message string
			Data    json.RawMessage
		}
	}
	if answer == nil || json.Unmarshal(answer, &m) != nil {
		return nil
	}
	raw, text := m.Result.Meta[wire.MetaDecision], ""
	if len(m.Result.Content) > 0 {
		text = m.Result.Content[0].Text
	}
	if m.Error != nil {
		raw, text = m.Error.Data, m.Error.Message
	}
	t := told{message: text}
	if raw == nil || json.Unmarshal(raw, &t) != nil || t.Call == "" {
		return nil
	}
	return &t
}

func callID(answer []byte) string {
	if t := toldIn(answer); t != nil {
		return t.Call
	}
	return ""
}

func textOf(m map[string]any, key string) string {
	s, _ := m[key].(string)
	return s
}
