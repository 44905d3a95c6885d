package team

import (
	"bufio"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
)

// door is a running `ostiary serve`.
type door struct {
	t      *testing.T
	url    string // of the endpoint, as clients know it
	listen string // the address that it listens on
	state  string
	client *http.Client
	roots  *x509.CertPool // whom clients believe
}

// rules give readers and writers different tools and resources.
const rules = `
rules:
  - {tool: notes/read, effect: read, scope: "notes:read"}
  - {tool: notes/wait, effect: read, scope: "notes:read"}
  - {tool: notes/save, effect: write, scope: "notes:write"}
  - {tool: notes/brew, effect: read, scope: "notes:read"}
  - {resource: "notes/note://open", effect: read, scope: "notes:read"}
  - {resource: "notes/note://writers", effect: read, scope: "notes:write"}
`

// groups gives scopes to those whose token names a group.
const groups = `scopes: [{claim: groups, value: readers, scopes: ["notes:read"]}, {claim: groups, value: writers, scopes: ["notes:write"]}]`

// upstream is the row of the server behind.
func upstream(s *shared) string {
	return fmt.Sprintf("upstreams:\n  notes: {url: %q, allow_private: [127.0.0.1], credential: {value: \"Bearer upstream-only\"}}\n", s.URL)
}

// jwts believes an issuer whose tokens say who has them.
func jwts(i *issuer) string {
	return fmt.Sprintf("auth:\n  skew: 1s\n  allow_private: [127.0.0.1]\n  issuers: [{url: %q, algorithms: [ES256], %s}]\n", i.url, groups)
}

// opaque asks an issuer about tokens that say nothing.
func opaque(i *issuer) string {
	return fmt.Sprintf("auth:\n  skew: 1s\n  allow_private: [127.0.0.1]\n  introspection: {url: %q, client_id: door, client_secret: %s, issuer: %q, %s}\n",
		i.url+"/token/introspection", secret, i.url, groups)
}

// openDoor starts `ostiary serve` with a policy on a free port.
func openDoor(t *testing.T, policy string) *door {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "policy.yaml")
	if err := os.WriteFile(file, []byte("version: 1\n"+policy), 0o600); err != nil {
		t.Fatal(err)
	}
	d := &door{t: t, state: filepath.Join(dir, "state"), client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}}
	cmd := exec.Command(filepath.Join(bin, "ostiary"), "serve", "--config", file, "--state", d.state, "--listen", "127.0.0.1:0")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	said := []string{}
	for d.url == "" && lines.Scan() {
		said = append(said, lines.Text())
		if m := regexp.MustCompile(`^listening on (\S+)$`).FindStringSubmatch(lines.Text()); m != nil {
			d.listen = m[1]
		}
		if m := regexp.MustCompile(`^serving notes at (https?://\S+)$`).FindStringSubmatch(lines.Text()); m != nil {
			d.url = m[1]
		}
	}
	if d.url == "" {
		t.Fatalf("serve did not start: %v\n%s", cmd.Wait(), strings.Join(said, "\n"))
	}
	rest := make(chan string, 1)
	go func() {
		var b strings.Builder
		for lines.Scan() {
			fmt.Fprintln(&b, lines.Text())
		}
		rest <- b.String()
	}()
	t.Cleanup(func() {
		d.client.CloseIdleConnections()
		_ = cmd.Process.Signal(syscall.SIGTERM) // if it has ended, Wait says how
		said := <-rest
		if err := cmd.Wait(); err != nil {
			t.Errorf("serve ended with %v\n%s", err, said)
		}
		report, err := audit.Verify(t.Context(), d.state, audit.VerifyOptions{})
		if err == nil {
			err = report.Err()
		}
		if err != nil {
			t.Errorf("the log: %v", err)
		}
	})
	return d
}

// reply is an answer over HTTP.
type reply struct {
	status int
	header http.Header
	body   string
}

// request makes a request with a token; fields are names and values, and a value of
// "-" leaves the field out.
func (d *door) request(method, token, body string, fields ...string) *http.Request {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), method, d.url, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	r.Header.Set("Accept", "application/json, text/event-stream")
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(fields); i += 2 {
		if r.Header.Del(fields[i]); fields[i+1] == "-" {
			continue
		}
		if r.Header.Set(fields[i], fields[i+1]); fields[i] == "Host" {
			r.Host = fields[i+1]
		}
	}
	return r
}

func (d *door) do(r *http.Request) reply {
	d.t.Helper()
	resp, err := d.client.Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, string(body)}
}

const meta = `"_meta":{"progressToken":5,"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}`

// modern makes a request of revision 2026-07-28 about a name: a tool, a resource or
// a task.
func (d *door) modern(token, method, name string, fields ...string) *http.Request {
	d.t.Helper()
	params := meta
	switch {
	case strings.HasPrefix(method, "tasks/"):
		params = fmt.Sprintf(`"taskId":%q,%s`, name, meta)
	case method == "resources/read":
		params = fmt.Sprintf(`"uri":%q,%s`, name, meta)
	case name != "":
		params = fmt.Sprintf(`"name":%q,"arguments":{},%s`, name, meta)
	}
	fields = append([]string{"Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", method}, fields...)
	if name != "" {
		fields = append(fields, "Mcp-Name", name)
	}
	return d.request(http.MethodPost, token, fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":{%s}}`, method, params), fields...)
}

// session begins a legacy session and returns its id.
func (d *door) session(token string) string {
	d.t.Helper()
	r := d.do(d.request(http.MethodPost, token, `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`))
	id := r.header.Get("Mcp-Session-Id")
	if r.status != http.StatusOK || id == "" {
		d.t.Fatalf("initialize: %d %s", r.status, r.body)
	}
	r = d.do(d.request(http.MethodPost, token, `{"jsonrpc":"2.0","method":"notifications/initialized"}`, "Mcp-Session-Id", id))
	if r.status != http.StatusAccepted {
		d.t.Fatalf("initialized: %d %s", r.status, r.body)
	}
	return id
}

// legacy makes a request in a session.
func (d *door) legacy(token, session, method, params string) *http.Request {
	d.t.Helper()
	return d.request(http.MethodPost, token, fmt.Sprintf(`{"jsonrpc":"2.0","id":9,"method":%q,"params":%s}`, method, params), "Mcp-Session-Id", session)
}

// records are those of the running door that the filter selects.
func (d *door) records(f audit.Filter) []audit.Record {
	d.t.Helper()
	found, err := audit.Query(d.t.Context(), d.state, f)
	if err != nil {
		d.t.Fatal(err)
	}
	var all []audit.Record
	for i := range found {
		all = append(all, found[i].Record)
	}
	return all
}

// let in: the request is answered, reaches the server and is recorded for who sent
// it.
func (d *door) passes(s *shared, r *http.Request, who, says string) {
	d.t.Helper()
	before := s.count()
	got := d.do(r)
	if got.status != http.StatusOK || !strings.Contains(got.body, says) || strings.Contains(got.body, "ostiary/decision") {
		d.t.Fatalf("%d %s\nwant what says %q", got.status, got.body, says)
	}
	if n := s.count(); n != before+1 {
		d.t.Fatalf("%d messages reached the server", n-before)
	}
	all := d.records(audit.Filter{Principal: who})
	if len(all) == 0 || all[len(all)-1].Kind != audit.KindOutcome || all[len(all)-1].Decision != "allow" {
		d.t.Fatalf("what %s did is not recorded: %+v", who, all)
	}
}

// refused: the request gets the status, leaves one more record with the code and
// does not reach the server.
func (d *door) refused(s *shared, r *http.Request, status int, code ostiary.Code) reply {
	d.t.Helper()
	before, records := s.count(), len(d.records(audit.Filter{Code: string(code)}))
	got := d.do(r)
	if got.status != status {
		d.t.Fatalf("%d %s\nwant %d", got.status, got.body, status)
	}
	all := d.records(audit.Filter{Code: string(code)})
	if len(all) != records+1 || all[len(all)-1].Kind != audit.KindRefusal {
		d.t.Fatalf("%d records with %s before and %d now", records, code, len(all))
	}
	if n := s.count(); n != before {
		d.t.Fatalf("the server was reached: %v", s.reached[before:])
	}
	return got
}

// until waits for what must become true.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick, deadline := time.NewTicker(100*time.Millisecond), time.After(patience)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s: in vain", what)
		}
	}
}

// allOf selects all records of a test.
var allOf = audit.Filter{Limit: 10_000}
