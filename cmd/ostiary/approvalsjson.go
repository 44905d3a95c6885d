package main

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/ostiary/ostiary/approval"
)

// requestReport is a request in --json; docs/reference/approvals.md tells of it.
type requestReport struct {
	ID           string          `json:"id"`
	State        approval.State  `json:"state"`
	Principal    string          `json:"principal"`
	Client       string          `json:"client,omitempty"`
	Session      string          `json:"session,omitempty"`
	Upstream     string          `json:"upstream"`
	Method       string          `json:"method"`
	Target       string          `json:"target"`
	Effect       string          `json:"effect"`
	Why          []string        `json:"why"`
	Channels     []string        `json:"channels"`
	Warnings     []string        `json:"warnings"`
	Created      time.Time       `json:"created"`
	Expires      time.Time       `json:"expires"`
	Decided      *time.Time      `json:"decided,omitempty"`
	By           string          `json:"by,omitempty"`
	Channel      string          `json:"channel,omitempty"`
	Answer       string          `json:"answer,omitempty"`
	Reason       string          `json:"reason,omitempty"`
	Call         string          `json:"call,omitempty"`
	UsedBy       string          `json:"used_by,omitempty"`
	Policy       string          `json:"policy,omitempty"`
	Definition   string          `json:"definition,omitempty"`
	Digest       string          `json:"arguments_digest,omitempty"`
	Arguments    json.RawMessage `json:"arguments,omitempty"` // masked; show and approve only
	Beside       json.RawMessage `json:"beside,omitempty"`    // masked; show and approve only
	Preview      *previewReport  `json:"preview,omitempty"`   // show and approve only
	PreviewError string          `json:"preview_error,omitempty"`
}

type previewReport struct {
	Kind string `json:"kind"`
	Text string `json:"text"`
}

func requestJSON(r *approval.Request) requestReport {
	j := requestReport{
		ID: r.ID, State: r.State, Principal: r.Principal, Client: r.Client, Session: r.Session,
		Upstream: r.Upstream, Method: r.Method, Target: r.Target, Effect: r.Effect,
		Why: append([]string{}, r.Why...), Channels: append([]string{}, r.Channels...), Warnings: append([]string{}, r.Warnings...),
		Created: r.Created, Expires: r.Expires, By: r.By, Channel: r.Channel, Answer: r.Answer, Reason: r.Reason,
		Call: r.Call, UsedBy: r.UsedBy, Policy: r.Policy, Definition: r.Definition, Digest: r.Arguments, PreviewError: r.PreviewError,
	}
	if !r.Decided.IsZero() {
		j.Decided = &r.Decided
	}
	j.Arguments, j.Beside = orText(r.Args), orText(r.Beside)
	if r.Preview != nil {
		j.Preview = &previewReport{r.Preview.Kind, r.Preview.Text}
	}
	return j
}

// orText is JSON as it is, and the text of what is left of JSON that was cut.
func orText(raw []byte) json.RawMessage {
	if len(raw) == 0 || json.Valid(raw) {
		return raw
	}
	text, _ := json.Marshal(string(raw)) // a string can be written
	return text
}

// printLine prints one value as JSON on a line.
func (p program) printLine(v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := p.out.Write(escapeJSON(b.Bytes()))
	return err
}
