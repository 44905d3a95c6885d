package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

func walked(body string) []string {
	var out []string
	for w := Texts([]byte(body)); w.Next(); {
		kind := "value"
		if w.IsKey() {
			kind = "key"
		}
		out = append(out, fmt.Sprintf("%s %s %s %q %d", kind, w.Pointer(), body[w.Start():w.End()], w.Key(), w.Depth()))
	}
	return out
}

func TestTexts(t *testing.T) {
	for _, c := range []struct {
		body string
		want []string
	}{
		{`"a"`, []string{`value  "a" "" 0`}},
		{` 12 `, nil},
		{`{}`, nil},
		{`{"a":"x","b":[1,"y",{"c":"z"},["w"]],"d":null,"e~/f":"\"\\"}`, []string{
			`key /a "a" "a" 1`, `value /a "x" "a" 1`, `key /b "b" "b" 1`, `value /b/1 "y" "b" 2`,
			`key /b/2/c "c" "c" 3`, `value /b/2/c "z" "c" 3`, `value /b/3/0 "w" "b" 3`, `key /d "d" "d" 1`,
			`key /e~0~1f "e~/f" "e~/f" 1`, `value /e~0~1f "\"\\" "e~/f" 1`,
		}},
		{`[["a"],{"k\u0065y":"v\\"}, "b" ]`, []string{
			`value /0/0 "a" "" 2`, `key /1/key "k\u0065y" "k\\u0065y" 2`, `value /1/key "v\\" "k\\u0065y" 2`, `value /2 "b" "" 1`,
		}},
	} {
		if got := walked(c.body); !slices.Equal(got, c.want) {
			t.Errorf("%s:\n%s\nwant\n%s", c.body, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}

func TestTextsSteps(t *testing.T) {
	body := []byte(`{"content":[{"type":"text"},{"type":"text","text":"here"}]}`)
	w := Texts(body)
	for w.Next() && string(body[w.Start():w.End()]) != `"here"` {
	}
	first, _ := w.Step(1)
	_, second := w.Step(2)
	third, _ := w.Step(3)
	start, object, ok := w.Container()
	if string(first) != "content" || second != 1 || string(third) != "text" || !object || !ok || body[start] != '{' {
		t.Error(string(first), second, string(third), start, object, ok)
	}
}

// Bytes that are no JSON are walked over all the same, in linear time.
func TestTextsOfNoJSON(t *testing.T) {
	for _, body := range []string{
		``, `"`, `"\`, `{"a`, `]]]"a"`, `{"a":"b"}}}"c"`, `,,"a"`, `{[}"a"]`, `["a"}`,
		strings.Repeat("[", 1<<20), strings.Repeat(`\"`, 1<<20), `"` + strings.Repeat(`\`, 1<<20),
	} {
		for w := Texts([]byte(body)); w.Next(); {
			_ = w.Pointer()
			_ = w.Key()
		}
	}
}

// What is walked over is what a decoder finds, at the same places.
func FuzzTexts(f *testing.F) {
	for _, s := range []string{
		`{"a":"x","b":[1,"y",{"c":"z"}],"d":{}}`, `"\u0022"`, `[[],{},[{"a":[]}],"b"]`, `{"":{"":""}}`, `["\\","\"","\\\""]`,
		`{"a":"b"}}}"c"`, `{"a"`, `{1:"a"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var got []string
		for w := Texts(body); w.Next(); {
			raw := body[w.Start():w.End()]
			if len(raw) < 2 || raw[0] != '"' || raw[len(raw)-1] != '"' {
				t.Fatalf("%q holds no literal %q", body, raw)
			}
			p, key := w.Pointer(), w.Key()
			if w.IsKey() && !bytes.Equal(key, raw[1:len(raw)-1]) {
				t.Fatalf("%q is not its own key %q", raw, key)
			}
			got = append(got, fmt.Sprint(w.IsKey(), " ", p, " ", string(AppendUnquoted(nil, raw))))
		}
		if !json.Valid(body) {
			return
		}
		want, ok := decoded(t, body)
		if ok && !slices.Equal(got, want) {
			t.Fatalf("%q:\n%q\nwant\n%q", body, got, want)
		}
	})
}

// decoded are the literals of a valid value as encoding/json tells them, with the
// pointers of a naive walk.
func decoded(t *testing.T, body []byte) (out []string, ok bool) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var value func(at string) bool
	value = func(at string) bool {
		tok, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		switch tok {
		case json.Delim('{'):
			for d.More() {
				key, err := d.Token()
				if err != nil {
					t.Fatal(err)
				}
				under := at + "/" + strings.ReplaceAll(strings.ReplaceAll(key.(string), "~", "~0"), "/", "~1")
				out = append(out, fmt.Sprint(true, " ", under, " ", key))
				if !value(under) {
					return false
				}
			}
			_, err = d.Token()
			return err == nil
		case json.Delim('['):
			for i := 0; d.More(); i++ {
				if !value(fmt.Sprint(at, "/", i)) {
					return false
				}
			}
			_, err = d.Token()
			return err == nil
		}
		if s, isText := tok.(string); isText {
			out = append(out, fmt.Sprint(false, " ", at, " ", s))
		}
		return true
	}
	// The two libraries agree on what invalid UTF-8 means only by chance.
	return out, json.Valid(body) && bytes.Equal(bytes.ToValidUTF8(body, nil), body) && value("")
}

func benchTexts(b *testing.B, body string) {
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	raw := []byte(body)
	for b.Loop() {
		n := 0
		for w := Texts(raw); w.Next(); {
			n++
		}
		if n == 0 {
			b.Fatal("no texts")
		}
	}
}

func BenchmarkTexts(b *testing.B) {
	line := `{\"path\": \"/srv/data/a.txt\"}\n`
	b.Run("text", func(b *testing.B) {
		benchTexts(b, `{"content":[{"type":"text","text":"`+strings.Repeat(`Plain words of a tool's answer, line after line.\n`, 200)+`"}]}`)
	})
	b.Run("nested", func(b *testing.B) { benchTexts(b, `["`+strings.Repeat(line, 300)+`"]`) })
	b.Run("short", func(b *testing.B) {
		benchTexts(b, "["+strings.Repeat(`{"id": 1234567, "name": "alpha-seven", "state": "open", "at": "2026-07-28T10:00:00Z"},`, 120)+`""]`)
	})
	b.Run("numbers", func(b *testing.B) { benchTexts(b, `["a"`+strings.Repeat(`,   1234567.25`, 700)+`]`) })
}

// A walk that is told where literals end goes the same way as one that looks.
func TestTextsTold(t *testing.T) {
	var told TextWalk
	for _, body := range []string{
		`{"a":"x","b":[1,"y\"",{"c":"z"}],"d":{}}`, `["a",["b"],{"c":{"d":"e"}}]`, `"x"`, `{"a`, `["a","b`, `{"a":"b"}}}"c"`,
	} {
		raw := []byte(body)
		told.Over(raw)
		n := 0
		for w := Texts(raw); w.Next(); n++ {
			if !told.Begin() {
				t.Fatalf("%s: the walk ends after %d", body, n)
			}
			switch n % 3 { // the third way is to leave it to the next Begin
			case 0:
				told.Ends(w.End())
			case 1:
				if !told.Finish() || told.End() != w.End() || told.Seen() != w.Seen() {
					t.Fatalf("%s: %d ends elsewhere", body, n)
				}
			}
			if told.Start() != w.Start() || told.IsKey() != w.IsKey() || n%3 < 2 && told.Pointer() != w.Pointer() {
				t.Fatalf("%s: %d is another literal", body, n)
			}
		}
		if told.Begin() && told.Finish() {
			t.Fatalf("%s: the walk does not end", body)
		}
	}
}

func BenchmarkTextsDecoded(b *testing.B) {
	for name, body := range map[string]string{
		"text":   `{"content":[{"type":"text","text":"` + strings.Repeat(`Plain words of a tool's answer, line after line.\n`, 200) + `"}]}`,
		"nested": `["` + strings.Repeat(`{\"path\": \"/srv/data/a.txt\"}\n`, 300) + `"]`,
		"short":  "[" + strings.Repeat(`{"id": 1234567, "name": "alpha-seven", "state": "open", "at": "2026-07-28T10:00:00Z"},`, 120) + `""]`,
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			raw := []byte(body)
			reading := NewReading(&sync.Pool{})
			for b.Loop() {
				n := 0
				w := Texts(raw)
				for w.Read(reading); w.Next(); {
					n += len(w.Plain())
				}
				if n == 0 {
					b.Fatal("no texts")
				}
			}
		})
	}
}
