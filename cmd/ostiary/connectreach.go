package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/ostiary/ostiary"
)

// reached is a door over HTTP, as its stdio end reaches it.
type reached struct {
	name   string   // as the command line has it
	base   *url.URL // its URL; of a socket http://localhost
	socket string   // the path of the socket, absolute; "" over TCP
	token  string   // the file of the credential, "" for none
	client *http.Client
}

// reach makes the client of a door. It follows no redirect, asks no proxy and
// takes nothing compressed.
func reach(door, tokenFile string) (*reached, error) {
	base, socket, err := baseOf(door)
	if err != nil {
		return nil, err
	}
	d := &reached{name: base.Redacted(), base: base, token: tokenFile}
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	dial := dialer.DialContext
	switch {
	case socket != "":
		if d.socket, err = filepath.Abs(socket); err != nil {
			return nil, err
		}
		d.name = d.socket
		if tokenFile != "" {
			return nil, &ostiary.Error{Code: ostiary.CodeConfigInvalid, Message: "a socket knows its callers by their user, and no token counts there: leave --token-file out, or begin a URL with http:// or https://"}
		}
		dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", d.socket)
		}
	case tokenFile != "" && base.Scheme != "https" && !thisMachine(base.Hostname()):
		return nil, &ostiary.Error{Code: ostiary.CodeConfigInvalid, Message: "the credential would travel in the clear to " + base.Host + ": use its https URL"}
	}
	if d.token != "" {
		if _, err := d.header(); err != nil { // at once, where the person sees it
			return nil, err
		}
	}
	d.client = &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dial, ForceAttemptHTTP2: true, DisableCompression: true,
			MaxIdleConnsPerHost: 64, TLSHandshakeTimeout: 10 * time.Second, MaxResponseHeaderBytes: headerBytes,
		},
	}
	return d, nil
}

func thisMachine(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// maxToken is how long a credential may be.
const maxToken = 64 << 10

// header holds the credential, read anew for each request, so that a file that was
// replaced counts at once.
func (d *reached) header() (http.Header, error) {
	if d.token == "" {
		return nil, nil
	}
	token, err := readToken(d.token)
	if err != nil {
		return nil, err
	}
	return http.Header{"Authorization": {"Bearer " + token}}, nil
}

// readToken reads a credential from a file that nobody else can read.
func readToken(path string) (string, error) {
	refused := func(why, next string) error {
		return &ostiary.Error{Code: ostiary.CodeConfigInvalid, Message: fmt.Sprintf("the file of the credential, %s, %s: %s", visible(path), why, next)}
	}
	f, err := os.Open(path)
	if err != nil {
		return "", refused("cannot be read", "write the key or token into it, and run chmod 600")
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return "", refused("is no file", "write the key or token into one")
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || owner.Uid != 0 && int(owner.Uid) != os.Geteuid() {
		return "", refused("belongs to another user", "give it to yourself with chown")
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", refused("can be read or written by others", "find out who has read it, then run chmod 600 and replace the key")
	}
	b, err := io.ReadAll(io.LimitReader(f, maxToken+1))
	token := strings.TrimSpace(string(b))
	if err != nil || token == "" || len(b) > maxToken || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", refused("does not hold one key or token", "write it there alone, on one line")
	}
	return token, nil
}

// maxIndex is how long the list of a door's servers may be.
const maxIndex = 1 << 20

func readIndex(resp *http.Response) (*siteIndex, error) {
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch {
	case resp.StatusCode == http.StatusUnauthorized, resp.StatusCode == http.StatusForbidden:
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 500)) // what came is enough
		return nil, &ostiary.Error{Code: ostiary.CodeAuthMissing,
			Message: fmt.Sprintf("the door does not let this caller in (HTTP %d): %s: give a credential with --token-file, or ask its operator", resp.StatusCode, visible(strings.TrimSpace(string(text))))}
	case resp.StatusCode != http.StatusOK || kind != "application/json":
		return nil, noOstiary(fmt.Sprintf("it answered with HTTP %d", resp.StatusCode), nil)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxIndex+1))
	if err != nil {
		return nil, err
	}
	var list siteIndex
	if len(b) > maxIndex {
		err = errors.New("too long")
	} else {
		err = json.Unmarshal(b, &list)
	}
	if err != nil {
		return nil, noOstiary("its answer is no list of servers", err)
	}
	for _, s := range list.Servers {
		if s.Name == "" || s.Name == "." || s.Name == ".." || strings.ContainsAny(s.Name, "/?#%\\") {
			return nil, noOstiary("its list has a server without a usable name", nil)
		}
	}
	return &list, nil
}

func noOstiary(why string, err error) error {
	return &ostiary.Error{Code: ostiary.CodeGatewayUpstream, Err: err,
		Message: "the door does not say which servers it has: " + why + ": name the server with --name, or give the URL of its endpoint"}
}
