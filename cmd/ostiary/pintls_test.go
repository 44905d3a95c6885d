package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// ownCertificates are two certificates for localhost with keys of their own, and the
// file by which a process trusts both.
func ownCertificates(t *testing.T) (pairs [2]tls.Certificate, roots string) {
	t.Helper()
	var all []byte
	for i := range pairs {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		c := &x509.Certificate{SerialNumber: big.NewInt(int64(i + 1)), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
		der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		pairs[i] = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
		all = append(all, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	roots = filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(roots, all, 0o600); err != nil {
		t.Fatal(err)
	}
	return pairs, roots
}

// secured is a server over TLS with this key at an address, and counts what it saw.
func secured(t *testing.T, pair tls.Certificate, at string) (s *httptest.Server, seen *atomic.Int32) {
	t.Helper()
	seen = &atomic.Int32{}
	server := mcp.NewServer(&mcp.Implementation{Name: "notes", Version: "1"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "echo", Annotations: &mcp.ToolAnnotations{ReadOnlyHint: true}},
		func(_ context.Context, _ *mcp.CallToolRequest, in noteIn) (*mcp.CallToolResult, any, error) {
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: in.Text}}}, nil, nil
		})
	mcp.AddTool(server, &mcp.Tool{Name: "wait", Annotations: &mcp.ToolAnnotations{ReadOnlyHint: true}},
		func(ctx context.Context, _ *mcp.CallToolRequest, _ noteIn) (*mcp.CallToolResult, any, error) {
			<-ctx.Done()
			return nil, nil, ctx.Err()
		})
	h := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{Stateless: true})
	s = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen.Add(1)
		h.ServeHTTP(w, r)
	}))
	if at != "" {
		_ = s.Listener.Close()
		var err error
		if s.Listener, err = net.Listen("tcp", at); err != nil {
			t.Fatal(err)
		}
	}
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	return s, seen
}

// ran is what the result of a call has, and a refusal has not.
const ran = `"io.modelcontextprotocol/serverInfo"`

// TestAChangedKeyGetsNothing: between two calls another server takes the place of a
// server over TLS, with a certificate that is as good. Not a byte of a request, nor
// the credential, reaches it before a person has accepted it; where nothing is
// pinned it gets the call. Then the first one comes back. That a person is asked about
// changes makes no difference: no question comes before a request.
func TestAChangedKeyGetsNothing(t *testing.T) {
	const refuse, ask, none = "{changed: refuse}", "{changed: ask}", "{dangerously_unpinned: true}"
	for _, pins := range []string{refuse, ask, none} {
		t.Run(pins, func(t *testing.T) {
			pairs, roots := ownCertificates(t)
			t.Setenv("SSL_CERT_FILE", roots)
			first, seen := secured(t, pairs[0], "")
			at := first.Listener.Addr().String()
			_, port, _ := net.SplitHostPort(at)
			d := newDoorway(t, fmt.Sprintf("version: 1\npin: %s\nupstreams:\n  notes: {url: \"https://localhost:%s\", allow_private: [localhost], credential: {value: the-credential}}\nrules:\n  - {tool: notes/echo, effect: read}\n", pins, port))
			door, key := d.start("notes"), d.key("alice")
			call := func(want string) {
				t.Helper()
				var body string
				d.until("a connection that was cut off is not replaced", func() (answered bool) {
					var err error
					if _, body, err = modernPost(t, http.DefaultClient, door.url, key); err != nil {
						t.Fatal(err)
					}
					return !strings.Contains(body, "gateway_upstream")
				})
				if !strings.Contains(body, want) {
					t.Fatalf("got %s, want %s", body, want)
				}
			}
			call(ran)
			if seen.Load() == 0 {
				t.Fatal("control: the first server saw nothing")
			}
			exchange := func(pair tls.Certificate) *atomic.Int32 {
				first.CloseClientConnections()
				first.Close()
				var seen *atomic.Int32
				first, seen = secured(t, pair, at)
				return seen
			}
			seen = exchange(pairs[1])
			if pins == none {
				call(ran)
				if seen.Load() == 0 {
					t.Error("control: the second server saw nothing")
				}
				return
			}
			for range 7 { // more than a breaker lets fail
				call("pin_upstream")
			}
			if n := seen.Load(); n != 0 {
				t.Errorf("the server with another key saw %d requests", n)
			}
			if list := d.command("pin", "list"); !strings.Contains(list, "changed") {
				t.Errorf("nothing waits:\n%s", list)
			}
			exchange(pairs[0])
			call(ran) // the one that was accepted is back
			seen = exchange(pairs[1])
			call("pin_upstream")
			if n := seen.Load(); n != 0 {
				t.Errorf("the server with another key saw %d requests", n)
			}
			d.command("pin", "accept", "notes")
			d.until("what was accepted is refused", func() bool {
				_, body, err := modernPost(t, http.DefaultClient, door.url, key)
				return err == nil && strings.Contains(body, ran)
			})
			seen = exchange(pairs[0])
			call("pin_upstream") // what was replaced is another one now
			if n := seen.Load(); n != 0 {
				t.Errorf("the server that was replaced saw %d requests", n)
			}
		})
	}
}
