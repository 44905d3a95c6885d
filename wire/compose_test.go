package wire

import (
	"testing"
)

func TestMember(t *testing.T) {
	obj := []byte(`{"a":1, "b\u0063" : {"x":[1,2]} ,"message":"hi"}`)
	for name, want := range map[string]string{"a": "1", "bc": `{"x":[1,2]}`, "message": `"hi"`} {
		got, ok := Member(obj, name)
		if !ok || string(got) != want {
			t.Errorf("Member(%q) = %q, %v", name, got, ok)
		}
	}
	if got, ok := Member([]byte(`{"text":"half \ud83d","a":1}`), "a"); !ok || string(got) != "1" {
		t.Errorf("behind a lone surrogate: %q, %v", got, ok)
	}
	for _, bad := range []string{`[]`, `{"b":1}`, ``, `{"b":`} {
		if got, ok := Member([]byte(bad), "a"); ok {
			t.Errorf("Member of %q = %q", bad, got)
		}
	}
}

func TestComposedMessagesParse(t *testing.T) {
	for raw, want := range map[string]Kind{
		string(Cancelled([]byte(`"x"`), "why\n")):                KindNotification,
		string(ResultReply([]byte(`7`), []byte(`{"a":[true]}`))): KindResult,
	} {
		m, err := Parse([]byte(raw), Limits{})
		if err != nil || m.Kind != want {
			t.Errorf("%s: kind %v, error %v", raw, m, err)
		}
	}
}
