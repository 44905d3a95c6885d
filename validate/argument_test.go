package validate

import (
	"context"
	"fmt"
	"strings"
	"testing"

	ostiary "github.com/ostiary/ostiary"
)

const editSchema = `{"type":"object","properties":{
	"path":{"type":"string"},
	"paths":{"type":"array","items":{"type":"string"}},
	"edits":{"type":"array","items":{"type":"object","properties":{"oldText":{"type":"string"},"line":{"type":"integer"}},"required":["oldText"]}},
	"options":{"type":"object","additionalProperties":{"type":"string"}},
	"free":{"type":"object"},
	"nullable":{"anyOf":[{"type":"string"},{"type":"null"}]},
	"a/b~c":{"type":"string"}
},"required":["path"]}`

func TestPointers(t *testing.T) {
	small := func(p string, optional bool) Argument {
		return Argument{Pointer: p, Optional: optional, Pattern: "[a-z]+"}
	}
	for _, c := range []struct {
		a    Argument
		args string
		code ostiary.Code
		says string
	}{
		{small("/path", false), `{"path":"x"}`, "", ""},
		{small("/path", false), `{"path":"X"}`, ostiary.CodeValidatePattern, "argument /path: "},
		{small("/path", false), `{}`, ostiary.CodeValidateMissing, "/path is missing"},
		{small("/path", true), `{}`, "", ""},
		{small("/path", true), `{"path":null}`, ostiary.CodeValidateType, "not null"},
		{small("/path", false), `{"path":["x"]}`, ostiary.CodeValidateType, "not array"},
		{small("/paths/*", false), `{"paths":["x","Y"]}`, ostiary.CodeValidatePattern, "/paths/1"},
		{small("/paths/*", false), `{"paths":[]}`, "", ""},
		{small("/paths/*", false), `{}`, ostiary.CodeValidateMissing, "/paths"},
		{small("/paths/*", false), `{"paths":"X"}`, ostiary.CodeValidateType, "array"},
		{small("/paths/1", false), `{"paths":["X","y"]}`, "", ""},
		{small("/paths/1", false), `{"paths":["x"]}`, ostiary.CodeValidateMissing, ""},
		{small("/edits/*/oldText", false), `{"edits":[{"oldText":"a"},{"oldText":"B"}]}`, ostiary.CodeValidatePattern, "/edits/1/oldText"},
		{small("/edits/*/oldText", false), `{"edits":[{"oldText":"a"},{}]}`, ostiary.CodeValidateMissing, "/edits/1/oldText"},
		{small("/options/*", false), `{"options":{"k":"v","l":"W"}}`, ostiary.CodeValidatePattern, "/options/l"},
		{small("/nullable", false), `{"nullable":"B"}`, ostiary.CodeValidatePattern, ""},
		{small("/a~1b~0c", false), `{"a/b~c":"B"}`, ostiary.CodeValidatePattern, ""},
		{small("/free/anything", false), `{"free":{"anything":"B"}}`, ostiary.CodeValidatePattern, ""},
	} {
		err := run(t, c.a, Options{}, editSchema, ostiary.EffectRead, c.args)
		wantCode(t, err, c.code)
		if c.says != "" {
			wantMessage(t, err, c.says)
		}
	}
}

func TestCompileKnowsTheTool(t *testing.T) {
	for _, c := range []struct {
		a    Argument
		says string
	}{
		{Argument{Pointer: "/pth", Pattern: "x"}, `did you mean "path"?`},
		{Argument{Pointer: "/edits/*/oldtext", Pattern: "x"}, `did you mean "oldText"?`},
		{Argument{Pointer: "/zzzzzzzzzzz", Pattern: "x"}, "it knows a/b~c, edits"},
		{Argument{Pointer: "path", Pattern: "x"}, `write "/path"`},
		{Argument{Pointer: "/a~2", Pattern: "x"}, "~0"},
		{Argument{Pointer: "/paths", Path: &Path{Root: "/"}}, `"/paths/*"`},
		{Argument{Pointer: "/edits/*/line", Path: &Path{Root: "/"}}, "integer"},
		{Argument{Pointer: "/path", Range: &Range{Min: "1"}}, "judges a number"},
		{Argument{Pointer: "/path"}, "nothing is said"},
		{Argument{Pointer: "/path", Pattern: "(?=x)"}, "RE2"},
		{Argument{Pointer: "/path", Pattern: "a)(b"}, "pattern"},
		{Argument{Pointer: "/path", Enum: []any{}}, "empty"},
		{Argument{Pointer: "/path", MaxBytes: -1}, "greater than 0"},
		{Argument{Pointer: "/edits/*/line", Range: &Range{}}, "neither"},
		{Argument{Pointer: "/edits/*/line", Range: &Range{Min: "2", Max: "1"}}, "greater than"},
		{Argument{Pointer: "/edits/*/line", Range: &Range{Min: "x"}}, "decimal"},
	} {
		_, err := Compile(c.a, toolWith(editSchema), Options{})
		wantCode(t, err, ostiary.CodeConfigInvalid)
		wantMessage(t, err, c.says, "up/tool")
	}
}

func TestValues(t *testing.T) {
	for _, c := range []struct {
		a    Argument
		args string
		code ostiary.Code
	}{
		{Argument{Enum: []any{"a", 1, nil, true}}, `"a"`, ""},
		{Argument{Enum: []any{"a", 1, nil, true}}, `1.0`, ""},
		{Argument{Enum: []any{"a", 1, nil, true}}, `null`, ""},
		{Argument{Enum: []any{"a", 1}}, `"A"`, ostiary.CodeValidateEnum},
		{Argument{Enum: []any{"1"}}, `1`, ostiary.CodeValidateEnum},
		{Argument{Enum: []any{int64(9007199254740992)}}, `9007199254740993`, ostiary.CodeValidateEnum},
		{Argument{Enum: []any{int64(9007199254740993)}}, `9007199254740993`, ""},
		{Argument{Enum: []any{map[string]any{"k": []any{1}}}}, `{"k":[1]}`, ""},
		{Argument{Enum: []any{map[string]any{"k": []any{1}}}}, `{"k":[2]}`, ostiary.CodeValidateEnum},
		{Argument{Enum: []any{"a"}}, `["a"]`, ostiary.CodeValidateEnum},
		{Argument{Pattern: "a|b"}, `"b"`, ""},
		{Argument{Pattern: "a|b"}, `"ab"`, ostiary.CodeValidatePattern},
		{Argument{Pattern: "a"}, `"a\n"`, ostiary.CodeValidatePattern},
		{Argument{Pattern: "(?m)^a$"}, `"a\nb"`, ostiary.CodeValidatePattern},
		{Argument{MaxBytes: 4}, `"aä"`, ""},
		{Argument{MaxBytes: 2}, `"aä"`, ostiary.CodeValidateMaxBytes},
		{Argument{MaxBytes: 5}, `[1, 2]`, ""},
		{Argument{MaxBytes: 4}, `[1, 2]`, ostiary.CodeValidateMaxBytes},
		{Argument{Range: &Range{Min: "-1.5", Max: "9007199254740992"}}, `9007199254740992`, ""},
		{Argument{Range: &Range{Min: "-1.5", Max: "9007199254740992"}}, `9007199254740993`, ostiary.CodeValidateRange},
		{Argument{Range: &Range{Min: "-1.5", Max: "9007199254740992"}}, `9007199254740992.0000000000000000001`, ostiary.CodeValidateRange},
		{Argument{Range: &Range{Min: "-1.5", Max: "10"}}, `-1.5000`, ""},
		{Argument{Range: &Range{Min: "-1.5", Max: "10"}}, `-1.51`, ostiary.CodeValidateRange},
		{Argument{Range: &Range{Min: "-1.5", Max: "10"}}, `1e1`, ""},
		{Argument{Range: &Range{Min: "-1.5", Max: "10"}}, `1e999999999`, ostiary.CodeValidateRange},
		{Argument{Range: &Range{Min: "-1.5", Max: "10"}}, `-1e999999999`, ostiary.CodeValidateRange},
		{Argument{Range: &Range{Min: "-1.5", Max: "10"}}, `1e-999999999`, ""},
		{Argument{Range: &Range{Min: "-1.5", Max: "10"}}, `1e-9999999999999999999`, ostiary.CodeValidateRange},
		{Argument{Range: &Range{Min: "5", Max: "5"}}, `5`, ""},
		{Argument{Range: &Range{Min: "5", Max: "5"}}, `6`, ostiary.CodeValidateRange},
		{Argument{Range: &Range{Min: "0"}}, `-0.0`, ""},
		{Argument{Range: &Range{Max: "0"}}, `"0"`, ostiary.CodeValidateType},
		{Argument{URL: &URL{Hosts: []string{"a.example"}}}, `1`, ostiary.CodeValidateType},
		{Argument{Path: &Path{Root: "/"}}, `{}`, ostiary.CodeValidateType},
		{Argument{Pattern: "[a-z]+", MaxBytes: 3}, `"abcd"`, ostiary.CodeValidateMaxBytes},
		{Argument{Pattern: "[a-z]+", MaxBytes: 3}, `"AB"`, ostiary.CodeValidatePattern},
	} {
		c.a.Pointer = "/v"
		t.Run(fmt.Sprintf("%.40s", c.args), func(t *testing.T) {
			err := run(t, c.a, Options{}, "", ostiary.EffectRead, `{"v":`+c.args+`}`)
			wantCode(t, err, c.code)
		})
	}
}

func TestGate(t *testing.T) {
	ctx := context.Background()
	if _, err := Gate().Check(ctx, &ostiary.Call{}); err == nil {
		t.Error("no rule, and no error")
	}
	if _, err := Gate().Check(ctx, &ostiary.Call{Rule: &ostiary.Rule{Checks: []ostiary.Check{{Kind: "path"}}}}); err == nil {
		t.Error("a check that cannot run passes")
	}
	var ran []string
	check := func(name string, err error) ostiary.Check {
		return ostiary.Check{Kind: name, Run: func(context.Context, *ostiary.Call) error { ran = append(ran, name); return err }}
	}
	rule := &ostiary.Rule{Checks: []ostiary.Check{check("a", nil), check("b", ostiary.CodeValidateEnum), check("c", nil)}}
	d, err := Gate().Check(ctx, &ostiary.Call{Rule: rule})
	if err == nil || d.Verdict != ostiary.Deny || strings.Join(ran, "") != "ab" {
		t.Errorf("ran %v, %v, %v", ran, d.Verdict, err)
	}
	d, err = Gate().Check(ctx, &ostiary.Call{Rule: &ostiary.Rule{}})
	if err != nil || d.Verdict != ostiary.Allow {
		t.Errorf("a rule without checks: %v, %v", d.Verdict, err)
	}
}

func TestSuggest(t *testing.T) {
	tool := toolWith(`{"type":"object","properties":{
		"path":{"type":"string"},"paths":{"type":"array","items":{"type":"string"}},"source_url":{"type":"string"},"home":{"type":"string","format":"uri"},
		"sql":{"type":"string"},"query":{"type":"string"},"q2":{"type":"object","properties":{"filePath":{"type":"string"}}},
		"cmd":{"type":"string"},"profile":{"type":"string"},"file":{"type":"integer"}},"required":["path"]}`)
	var got []string
	for _, s := range Suggest(tool) {
		got = append(got, fmt.Sprintf("%s=%s optional=%t", s.Pointer, s.Kind, s.Optional))
		if s.Why == "" {
			t.Errorf("%s: no reason", s.Pointer)
		}
	}
	want := "/cmd=command optional=true\n/home=url optional=true\n/path=path optional=false\n/paths/*=path optional=true\n" +
		"/q2/filePath=path optional=true\n/source_url=url optional=true\n/sql=sql optional=true"
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
	if Suggest(toolWith("")) != nil {
		t.Error("suggestions without a schema")
	}
}
