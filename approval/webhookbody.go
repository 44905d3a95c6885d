package approval

import (
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/visible"
	post "github.com/ostiary/ostiary/internal/webhook"
)

// slackMessage is the body of a delivery: what Slack and those who speak like it show,
// and the same for programs. It holds no values of arguments unless the operator wants
// them, masked.
type slackMessage struct {
	Text        string       `json:"text"`
	Mrkdwn      bool         `json:"mrkdwn"` // of Text; it is plain
	UnfurlLinks bool         `json:"unfurl_links"`
	UnfurlMedia bool         `json:"unfurl_media"`
	Blocks      []slackBlock `json:"blocks"`
	Ostiary     requestBody  `json:"ostiary"`
}

type slackBlock struct {
	Type   string      `json:"type"`
	Text   *slackText  `json:"text,omitempty"`
	Fields []slackText `json:"fields,omitempty"`
}

type slackText struct {
	Type  string `json:"type"`
	Text  string `json:"text"`
	Emoji *bool  `json:"emoji,omitempty"` // false: a :word: stays a word
}

// requestBody is the object "ostiary". Its texts are as they are shown: one line,
// bounded, everything unusual as an escape.
type requestBody struct {
	Event      string    `json:"event"` // approval_requested
	Delivery   string    `json:"delivery"`
	ID         string    `json:"id"`
	Principal  string    `json:"principal"`
	Client     string    `json:"client,omitempty"`
	Session    string    `json:"session,omitempty"`
	Upstream   string    `json:"upstream"`
	Method     string    `json:"method"`
	Target     string    `json:"target"`
	Effect     string    `json:"effect"`
	Why        []string  `json:"why"`
	Warnings   []string  `json:"warnings"`
	Created    time.Time `json:"created"`
	Expires    time.Time `json:"expires"`
	Policy     string    `json:"policy,omitempty"`
	Definition string    `json:"definition,omitempty"`
	Digest     string    `json:"arguments_digest,omitempty"`
	Arguments  string    `json:"arguments,omitempty"` // masked
	Link       string    `json:"link,omitempty"`
}

// Slack takes at most 3000 characters in a text and 2000 in a field, and an escape
// makes five of one.
const (
	shownTarget = 100
	shownText   = 110
	shownArgs   = 580
	shownList   = 5
)

func (w *webhook) body(r *Request, delivery string) ([]byte, error) {
	line := func(s string, most int) string { return visible.Line(w.redact(s), most) }
	lines := func(list []string) []string {
		shown := []string{}
		for _, s := range list[:min(len(list), shownList)] {
			shown = append(shown, line(s, shownText))
		}
		return shown
	}
	b := requestBody{
		Event: "approval_requested", Delivery: delivery, ID: line(r.ID, shownTarget),
		Principal: line(r.Principal, shownTarget), Client: line(r.Client, shownTarget), Session: line(r.Session, shownTarget),
		Upstream: line(r.Upstream, shownTarget), Method: line(r.Method, shownTarget), Target: line(r.Target, shownTarget),
		Effect: line(r.Effect, shownTarget), Why: lines(r.Why), Warnings: lines(r.Warnings),
		Created: r.Created, Expires: r.Expires, Policy: r.Policy, Definition: r.Definition, Digest: r.Arguments,
	}
	if w.link != "" {
		b.Link = w.link + url.PathEscape(b.ID)
	}
	if w.arguments {
		b.Arguments = line(string(r.Args), shownArgs)
	}
	what := b.Upstream + "/" + b.Target + " (" + b.Effect + ")"
	until := r.Expires.UTC().Format("2006-01-02 15:04:05 UTC")
	m := slackMessage{
		Text: post.Escape("Approval needed: " + b.Principal + " asks for " + what + " until " + until),
		Blocks: []slackBlock{
			{Type: "section", Text: slackPlain("Approval needed: " + what)},
			{Type: "section", Fields: []slackText{
				*slackPlain("Principal\n" + b.Principal), *slackPlain("Client\n" + slackEmpty(b.Client)),
				*slackPlain("Expires\n" + until), *slackPlain("Request\n" + b.ID),
			}},
			{Type: "section", Text: slackPlain("Why\n" + slackEmpty(strings.Join(b.Why, "\n")))},
		},
		Ostiary: b,
	}
	if b.Arguments != "" {
		m.Blocks = append(m.Blocks, slackBlock{Type: "section", Text: slackPlain("Arguments\n" + b.Arguments)})
	}
	if len(b.Warnings) > 0 {
		m.Blocks = append(m.Blocks, slackBlock{Type: "section", Text: slackPlain("Warning\n" + strings.Join(b.Warnings, "\n"))})
	}
	m.Blocks = append(m.Blocks, slackBlock{Type: "section", Text: w.next(&b)})
	return json.Marshal(m)
}

// next says what to do. The link is the only markup, and nothing of it is
// from outside.
func (w *webhook) next(b *requestBody) *slackText {
	if b.Link == "" {
		return slackPlain("Look and decide in a terminal of the door's machine: ostiary approve " + b.ID + "\nNothing in this message approves.")
	}
	return &slackText{Type: "mrkdwn", Text: "<" + post.Escape(b.Link) + "|Sign in to look and decide>. The link approves nothing by itself."}
}

func slackPlain(s string) *slackText {
	return &slackText{Type: "plain_text", Text: post.Escape(s), Emoji: new(bool)}
}

func slackEmpty(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
