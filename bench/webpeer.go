package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// webPeer is one process that serves over HTTP.
type webPeer struct {
	cmd  *exec.Cmd
	in   io.Closer
	rest chan struct{} // closed when what it says has ended
	url  string
}

func (p *webPeer) pid() int { return p.cmd.Process.Pid }

var urlSaid = regexp.MustCompile(`http://127\.0\.0\.1:\d+/\S+$`)

// startWeb starts a program that says its URL, on standard error where it is the
// door.
func startWeb(ctx context.Context, argv []string, onStderr bool) (p *webPeer, err error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	var out io.Reader
	if onStderr {
		out, err = cmd.StderrPipe()
	} else {
		cmd.Stderr = os.Stderr
		out, err = cmd.StdoutPipe()
	}
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p = &webPeer{cmd: cmd, in: in, rest: make(chan struct{})}
	lines := bufio.NewScanner(out)
	said := ""
	for lines.Scan() {
		said += lines.Text() + "\n"
		if p.url = urlSaid.FindString(lines.Text()); p.url != "" {
			break
		}
	}
	go func() {
		defer close(p.rest)
		for lines.Scan() {
			fmt.Fprintln(os.Stderr, lines.Text())
		}
	}()
	if p.url == "" {
		return nil, errors.Join(fmt.Errorf("%s did not start: %s", strings.Join(argv, " "), said), p.end())
	}
	return p, nil
}

// end tells the program to end and waits, ten seconds at most.
func (p *webPeer) end() error {
	if p == nil {
		return nil
	}
	_ = p.in.Close()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	kill := time.AfterFunc(10*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer kill.Stop()
	<-p.rest
	err := p.cmd.Wait()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGTERM {
		return nil // as it was told
	}
	return err
}

// tokenIssuer is an issuer of JWTs over HTTP in this process.
type tokenIssuer struct {
	server *http.Server
	url    string
	signer jose.Signer
}

func newTokenIssuer(ctx context.Context) (*tokenIssuer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	public := jose.JSONWebKey{Key: key.Public(), KeyID: "bench", Algorithm: string(jose.ES256), Use: "sig"}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "bench"}},
		(&jose.SignerOptions{}).WithType("at+jwt"))
	if err != nil {
		return nil, err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	i := &tokenIssuer{url: strings.Replace("http://"+l.Addr().String(), "127.0.0.1", "localhost", 1), signer: signer}
	answer := func(v any) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(v) // who asked has gone
		}
	}
	mux := http.NewServeMux()
	mux.Handle("/.well-known/openid-configuration", answer(map[string]any{"issuer": i.url, "jwks_uri": i.url + "/keys"}))
	mux.Handle("/keys", answer(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{public}}))
	i.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = i.server.Serve(l) }() // ends with close
	return i, nil
}

func (i *tokenIssuer) close() error { return i.server.Close() }

// token is one for a person at an endpoint.
func (i *tokenIssuer) token(who, endpoint string) (string, error) {
	now := time.Now()
	claims, err := json.Marshal(map[string]any{
		"iss": i.url, "sub": who, "aud": endpoint, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "client_id": "bench", "jti": who,
	})
	if err != nil {
		return "", err
	}
	signed, err := i.signer.Sign(claims)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// startDoor starts `ostiary serve` before an upstream, with the benchmark's policy
// and an issuer.
func startDoor(ctx context.Context, o options, state, upstream, issuer string) (*webPeer, error) {
	policy, err := os.ReadFile(o.policy)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(state, 0o700); err != nil {
		return nil, err
	}
	file := filepath.Join(state, "serve.yaml")
	policy = fmt.Appendf(policy, "upstreams:\n  echo:\n    url: %s\n    allow_private: [localhost]\nauth:\n  issuers:\n    - {url: %s, algorithms: [ES256]}\n  allow_private: [localhost]\n",
		strings.Replace(upstream, "127.0.0.1", "localhost", 1), issuer)
	if err := os.WriteFile(file, policy, 0o600); err != nil {
		return nil, err
	}
	return startWeb(ctx, []string{o.ostiary, "serve", "--config", file, "--state", filepath.Join(state, "state"), "--listen", "127.0.0.1:0"}, true)
}

// apiKey makes a key as a person does.
func apiKey(ctx context.Context, o options, state, who string) (string, error) {
	cmd := exec.CommandContext(ctx, o.ostiary, "key", "create", "--state", filepath.Join(state, "state"), "--principal", who, "--for", "1h", "--reason", "benchmark", "--json")
	out, err := cmd.CombinedOutput()
	key := regexp.MustCompile(`ost_key_[0-9a-z]+_[0-9A-Za-z_-]+`).Find(out)
	if err != nil || key == nil {
		return "", fmt.Errorf("ostiary key create: %w\n%s", err, out)
	}
	return string(key), nil
}
