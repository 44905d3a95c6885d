package team

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/peers"
)

// nginxConfig is nginx before one door, as its manual has it, with one more path
// that holds answers back.
const nginxConfig = `daemon off;
pid %[1]s/pid;
error_log stderr;
events {}
http {
  access_log off;
  client_body_temp_path %[1]s/body;
  proxy_temp_path %[1]s/proxy;
  fastcgi_temp_path %[1]s/fastcgi;
  uwsgi_temp_path %[1]s/uwsgi;
  scgi_temp_path %[1]s/scgi;
  server {
    listen 127.0.0.1:%[2]s ssl http2;
    ssl_certificate %[1]s/cert;
    ssl_certificate_key %[1]s/key;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    location / { proxy_pass http://%[3]s; }
    location /held/ {
      proxy_pass http://%[3]s/;
      proxy_ignore_headers X-Accel-Buffering;
    }
  }
}
`

// behindNginx starts a door with a policy and nginx before it, which speaks TLS and
// says whose requests it forwards. Clients know the door by nginx's address.
func behindNginx(t *testing.T, policy string) *door {
	t.Helper()
	program := peers.Nginx(t)
	dir := t.TempDir()
	roots := selfSigned(t, dir)
	free, err := net.Listen("tcp", "127.0.0.1:0") // the door must know it before nginx listens
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(free.Addr().String())
	free.Close()
	if err != nil {
		t.Fatal(err)
	}
	d := openDoor(t, fmt.Sprintf("serve: {url: \"https://127.0.0.1:%s\", trusted_proxies: [127.0.0.1]}\n", port)+policy)
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, fmt.Appendf(nil, nginxConfig, dir, port, d.listen), 0o600); err != nil {
		t.Fatal(err)
	}
	// It ends when our end of its input does, whatever becomes of us.
	cmd := exec.Command("sh", "-c", `"$@" & pid=$!; cat >/dev/null; kill $pid; wait $pid`, "sh", program, "-p", dir, "-e", "stderr", "-c", file)
	var said strings.Builder
	cmd.Stderr = &said
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("nginx ended with %v\n%s", err, &said)
		}
	})
	d.roots = roots
	d.client = d.from("127.0.0.1")
	until(t, "nginx", func() bool {
		c, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return d
}

// selfSigned makes a certificate for this machine and who believes it.
func selfSigned(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert": {Type: "CERTIFICATE", Bytes: cert}, "key": {Type: "PRIVATE KEY", Bytes: key}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}))
	return pool
}

// from is a client at another address of this machine.
func (d *door) from(address string) *http.Client {
	transport := &http.Transport{
		DialContext:     (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}).DialContext,
		TLSClientConfig: &tls.Config{RootCAs: d.roots}, MaxIdleConnsPerHost: 16, ForceAttemptHTTP2: true,
	}
	d.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// open sends a request whose answer is a stream, and reads it as it comes.
func (d *door) open(r *http.Request) (next func() string, leave func()) {
	d.t.Helper()
	ctx, cancel := context.WithCancel(d.t.Context())
	d.t.Cleanup(cancel)
	resp, err := d.client.Do(r.WithContext(ctx))
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { resp.Body.Close() })
	if kind := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || kind != "text/event-stream" {
		body, _ := io.ReadAll(resp.Body) // what there is of it
		d.t.Fatalf("no stream: %s %s\n%s", resp.Status, kind, body)
	}
	events := make(chan string)
	go func() {
		defer close(events)
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				select {
				case events <- data:
				case <-ctx.Done():
					return
				}
			}
		}
	}()
	return func() string {
		d.t.Helper()
		select {
		case e := <-events:
			return e
		case <-time.After(patience):
			d.t.Fatal("the stream is silent")
			return ""
		}
	}, cancel
}

// got waits for what must come.
func got[T any](t *testing.T, from <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("%s did not come", what)
		panic("unreachable")
	}
}

// TestStreamsPassNginx: what a server says comes at once, in both eras, and who
// leaves withdraws the call.
func TestStreamsPassNginx(t *testing.T) {
	t.Parallel()
	i, s := openIssuer(t, "0", newKey(t, "one")), openShared(t)
	d := behindNginx(t, jwts(i)+upstream(s)+rules)
	token := i.robot("robot", d.url, "notes:read")
	id := d.session(token)

	for era, ask := range map[string]func() *http.Request{
		"modern": func() *http.Request { return d.modern(token, "tools/call", "wait") },
		"legacy": func() *http.Request {
			return d.legacy(token, id, "tools/call", `{"name":"wait","arguments":{},"_meta":{"progressToken":5}}`)
		},
	} {
		next, _ := d.open(ask())
		if e := next(); !strings.Contains(e, "begun") { // and the call has not ended
			t.Errorf("%s: %s", era, e)
		}
		s.release <- struct{}{}
		if e := next(); !strings.Contains(e, "released") {
			t.Errorf("%s: %s", era, e)
		}
	}
	next, _ := d.open(d.request(http.MethodGet, token, "", "Mcp-Session-Id", id))
	if e := next(); !strings.Contains(e, "note://of-up-") {
		t.Errorf("the stream of the session: %s", e)
	}

	// The control: where nginx does not hear that it must not, nothing comes.
	held := d.modern(token, "tools/call", "wait")
	before := s.count()
	held.URL.Path = "/held" + held.URL.Path
	answered := make(chan reply, 1)
	go func() { answered <- d.do(held) }()
	until(t, "the call", func() bool { return s.count() > before })
	select {
	case r := <-answered:
		t.Errorf("the control came before its end: %s", r.body)
	case <-time.After(300 * time.Millisecond):
	}
	s.release <- struct{}{}
	if r := got(t, answered, "the end of the control"); !strings.Contains(r.body, "begun") || !strings.Contains(r.body, "released") {
		t.Errorf("the control: %d %s", r.status, r.body)
	}

	next, leave := d.open(d.modern(token, "tools/call", "wait"))
	next()
	leave()
	got(t, s.left, "the end of the call at the server")

	next, _ = d.open(d.legacy(token, id, "tools/call", `{"name":"wait","arguments":{},"_meta":{"progressToken":5}}`))
	next()
	r := d.do(d.request(http.MethodPost, token, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":9}}`, "Mcp-Session-Id", id))
	if r.status != http.StatusAccepted {
		t.Errorf("the cancellation: %d %s", r.status, r.body)
	}
	until(t, "the cancellation at the server", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return strings.HasPrefix(s.reached[len(s.reached)-1], "notifications/cancelled")
	})
}

// TestAddressesThroughNginx: records have the address of the client, which nginx
// saw, and nobody else is believed about one.
func TestAddressesThroughNginx(t *testing.T) {
	t.Parallel()
	i, s := openIssuer(t, "0", newKey(t, "one")), openShared(t)
	d := behindNginx(t, jwts(i)+upstream(s)+rules)
	proxied, direct := d.url, "http://"+d.listen+"/notes/mcp"
	token := i.robot("robot", d.url, "notes:read")
	for name, c := range map[string]struct{ at, from, says, want string }{
		"through nginx":           {proxied, "127.0.0.2", "-", "127.0.0.2"},
		"invented before nginx":   {proxied, "127.0.0.3", "203.0.113.9", "127.0.0.3"},
		"invented in a list":      {proxied, "127.0.0.4", "203.0.113.9, 127.0.0.1", "127.0.0.4"},
		"invented beside nginx":   {direct, "127.0.0.5", "203.0.113.9", "127.0.0.5"},
		"the proxy's own address": {direct, "127.0.0.1", "203.0.113.9", "203.0.113.9"}, // the control: the header is read
	} {
		d.client = d.from(c.from)
		at, err := url.Parse(c.at)
		if err != nil {
			t.Fatal(err)
		}
		for _, who := range []string{"robot", ""} {
			r := d.modern(map[string]string{"robot": token}[who], "tools/call", "read", "X-Forwarded-For", c.says)
			r.URL = at
			got := d.do(r)
			all := d.records(allOf)
			if last := all[len(all)-1]; last.Address != c.want || last.Principal != who || (got.status == http.StatusOK) != (who != "") {
				t.Errorf("%s: %d, recorded as %q at %q, want %q", name, got.status, last.Principal, last.Address, c.want)
			}
		}
	}
}
