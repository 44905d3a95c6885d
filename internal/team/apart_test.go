package team

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
)

// bearing is a client that shows a token with every request.
type bearing struct {
	next  http.RoundTripper
	token string
}

func (b bearing) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	return b.next.RoundTrip(r)
}

// as is the door as one person uses it, from an address of their own.
func (d *door) as(address string) *door {
	mine := *d
	mine.client = d.from(address)
	return &mine
}

// TestTwoPeopleStayApart: two people sign in at the issuer, with different groups,
// and come through nginx to one server. Neither sees nor reaches what is the
// other's; beside each refusal stands the owner, who does.
func TestTwoPeopleStayApart(t *testing.T) {
	t.Parallel()
	i, s := openIssuer(t, "0", newKey(t, "one")), openShared(t)
	front := behindNginx(t, jwts(i)+upstream(s)+rules)
	ann, ben := i.person("ann", "desktop", front.url), i.person("ben", "desktop", front.url)
	hers, his := front.as("127.0.0.2"), front.as("127.0.0.3")

	// What they see, with the SDK's client too.
	lists := func(d *door, token string, tools ...string) {
		t.Helper()
		client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
		session, err := client.Connect(t.Context(), &mcp.StreamableClientTransport{Endpoint: d.url, HTTPClient: &http.Client{Transport: bearing{d.client.Transport, token}}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer session.Close()
		list, err := session.ListTools(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, tool := range list.Tools {
			got = append(got, tool.Name)
		}
		if !slices.Equal(got, tools) {
			t.Errorf("%q are shown, want %q", got, tools)
		}
	}
	lists(hers, ann, "read", "wait", "brew")
	lists(his, ben, "read", "save", "wait", "brew")
	for method, secret := range map[string]string{"tools/list": `"save"`, "resources/list": "note://writers"} {
		a, b := hers.do(hers.modern(ann, method, "")), his.do(his.modern(ben, method, ""))
		if strings.Contains(a.body, secret) || !strings.Contains(a.body, `"private"`) {
			t.Errorf("%s shows ann %s", method, a.body)
		}
		if !strings.Contains(b.body, secret) || !strings.Contains(b.body, `"private"`) {
			t.Errorf("%s shows ben %s", method, b.body)
		}
	}

	// What they reach.
	hers.refused(s, hers.modern(ann, "tools/call", "save"), http.StatusForbidden, ostiary.CodePolicyScope)
	his.passes(s, his.modern(ben, "tools/call", "save"), "ben", "save done")
	hers.refused(s, hers.modern(ann, "resources/read", "note://writers"), http.StatusForbidden, ostiary.CodePolicyScope)
	his.passes(s, his.modern(ben, "resources/read", "note://writers"), "ben", "the text of it")
	hers.passes(s, hers.modern(ann, "resources/read", "note://open"), "ann", "the text of it")

	// Sessions and their streams.
	annID, benID := hers.session(ann), his.session(ben)
	stream, _ := hers.open(hers.request(http.MethodGet, ann, "", "Mcp-Session-Id", annID))
	if e := stream(); !strings.Contains(e, "note://of-up-") {
		t.Errorf("her stream: %s", e)
	}
	read := func(d *door, token, id string) *http.Request {
		return d.legacy(token, id, "tools/call", `{"name":"read"}`)
	}
	for _, r := range []*http.Request{
		read(his, ben, annID),
		his.request(http.MethodGet, ben, "", "Mcp-Session-Id", annID),
		his.request(http.MethodDelete, ben, "", "Mcp-Session-Id", annID),
		his.request(http.MethodPost, ben, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":9}}`, "Mcp-Session-Id", annID),
		his.request(http.MethodPost, ben, `{"jsonrpc":"2.0","id":9,"result":{}}`, "Mcp-Session-Id", annID),
		read(hers, ann, benID), // and the other way round
	} {
		his.refused(s, r, http.StatusNotFound, ostiary.CodeGatewaySession)
	}
	if all := front.records(audit.Filter{Code: string(ostiary.CodeGatewaySession), Principal: "ben"}); len(all) != 5 || all[0].Address != "127.0.0.3" {
		t.Errorf("what ben tried is recorded as %+v", all)
	}
	hers.passes(s, read(hers, ann, annID), "ann", "read done")
	his.passes(s, read(his, ben, benID), "ben", "read done")
	if r := hers.do(hers.request(http.MethodGet, ann, "", "Mcp-Session-Id", annID)); r.status != http.StatusConflict {
		t.Errorf("her stream has ended: another gets %d", r.status)
	}

	// Tasks.
	hers.passes(s, hers.modern(ann, "tools/call", "brew"), "ann", "task-of-brew")
	for _, method := range []string{"tasks/get", "tasks/update", "tasks/cancel"} {
		his.refused(s, his.modern(ben, method, "task-of-brew"), http.StatusOK, ostiary.CodeGatewayTask)
	}
	hers.passes(s, hers.modern(ann, "tasks/get", "task-of-brew"), "ann", "brewed for ann")

	// The end of a session is its owner's.
	before := s.count()
	if r := hers.do(hers.request(http.MethodDelete, ann, "", "Mcp-Session-Id", annID)); r.status != http.StatusNoContent {
		t.Errorf("DELETE by its owner: %d %s", r.status, r.body)
	}
	until(t, "the end of the session at the server", func() bool { return s.count() > before })
	hers.refused(s, read(hers, ann, annID), http.StatusNotFound, ostiary.CodeGatewaySession)
	his.passes(s, read(his, ben, benID), "ben", "read done")
	front.keptSecret(s, ann, ben)
}
