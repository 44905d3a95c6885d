package redact

import (
	"encoding/base64"
	"strings"
	"testing"
)

// TestBinaryContentIsLeftAlone: what is base64 by the place it stands in keeps its bytes,
// whatever they are. The control is the same base64 where text stands.
func TestBinaryContentIsLeftAlone(t *testing.T) {
	f := filter(t)
	data := base64.StdEncoding.EncodeToString([]byte("a picture with the text " + github + " in it"))
	for name, body := range map[string]string{
		"image":    `{"content":[{"type":"image","mimeType":"image/png","data":"D"}]}`,
		"audio":    `{"content":[{"data":"D","mimeType":"audio/wav","type":"audio"}]}`,
		"blob":     `{"contents":[{"uri":"file:///a","blob":"D"}]}`,
		"embedded": `{"content":[{"type":"resource","resource":{"uri":"file:///a","blob":"D"}}]}`,
	} {
		whole := strings.ReplaceAll(body, `"D"`, `"`+data+`"`)
		if got, r, err := apply(t, f, whole); err != nil || got != whole || r.Found != 0 {
			t.Errorf("%s: %s, %v, %v", name, got, r.Findings, err)
		}
	}
	for name, body := range map[string]string{
		"text":              `{"content":[{"type":"text","text":"D"}]}`,
		"data of a text":    `{"content":[{"type":"text","text":"x","data":"D"}]}`,
		"data of no block":  `{"data":"D"}`,
		"data in a list":    `{"content":[{"type":"image","data":["D"]}]}`,
		"text as an image":  `{"content":[{"type":"image","data":"not base64: D"}]}`,
		"text as a blob":    `{"contents":[{"uri":"file:///a","blob":"see D"}]}`,
		"plain as an image": `{"content":[{"type":"image","data":"the ` + github + `"}]}`,
	} {
		whole := strings.ReplaceAll(body, `D"`, data+`"`)
		if got, r, err := apply(t, f, whole); err != nil || !strings.Contains(got, "[REDACTED:github-pat]") || r.Found != 1 {
			t.Errorf("%s: %s, %v, %v", name, got, r.Findings, err)
		}
	}
}

// TestKeysStayApart: two names that become one would hide one of the values, so that is
// not what comes back.
func TestKeysStayApart(t *testing.T) {
	f := filter(t)
	const other = "ghp_" + "fedcba9876543210FEDCBA9876543210fedc"
	got, _, err := apply(t, f, `{"`+github+`":1,"`+other+`":2}`)
	if err != nil || got != `{"[REDACTED:github-pat]":1,"[REDACTED:github-pat] (2)":2}` {
		t.Error(got, err)
	}
	got, _, err = apply(t, f, `{"[REDACTED:github-pat]":1,"`+github+`":2}`)
	if err == nil || strings.Contains(err.Error(), github) {
		t.Error(got, err)
	}
}
