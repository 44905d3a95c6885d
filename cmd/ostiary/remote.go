package main

import (
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/config"
	"github.com/ostiary/ostiary/credential"
	"github.com/ostiary/ostiary/gateway"
)

// A server over HTTP that fails this often in a row is left alone, first for the
// pause and then for longer.
const (
	breakerFailures = 5
	breakerPause    = 10 * time.Second
	breakerLongest  = 2 * time.Minute
)

// remote is how a server over HTTP is reached; nil for one that is started.
func (s *site) remote(u *config.Upstream) (*gateway.Remote, error) {
	if u.URL == "" {
		return nil, nil
	}
	client, err := s.file.Client(s.house, u, s.w.Now)
	if err != nil {
		return nil, err
	}
	remote := &gateway.Remote{URL: u.URL, Client: client, Breaker: s.breaker(u.Name)}
	if u.Credential == nil {
		return remote, nil
	}
	env := gateway.Environment(os.Environ(), u.Credential.PassEnv, nil)
	c, err := u.NewCredential(s.w, s.file.Dir, env, s.house.Redactor)
	if err != nil {
		return nil, err
	}
	remote.Header, remote.Renew = c.Header, c.Renew
	remote.Own, err = s.own(u, c)
	return remote, err
}

// own gives principals with credentials of their own connections of their own.
func (s *site) own(u *config.Upstream, c *credential.Credential) (func(string) *http.Client, error) {
	clients := map[string]*http.Client{}
	for _, p := range u.Credential.Principals {
		if !c.Own(p.Name) {
			continue
		}
		client, err := s.file.Client(s.house, u, s.w.Now)
		if err != nil {
			return nil, err
		}
		clients[p.Name] = client
	}
	return func(principal string) *http.Client { return clients[principal] }, nil
}

// breaker watches one server. What it does is in the evidence.
func (s *site) breaker(server string) *gateway.Breaker {
	return gateway.NewBreaker(gateway.BreakerOptions{
		Failures: breakerFailures, Pause: breakerPause, Longest: breakerLongest, Now: s.w.Now,
		Changed: func(to gateway.BreakerState, failures int) {
			e := ostiary.Event{Name: "gateway_circuit_opened", Subject: server, Upstream: server, Channel: "gateway",
				Detail: fmt.Sprintf("the server failed %d times in a row", failures)}
			if to == gateway.BreakerClosed {
				e.Name, e.Detail = "gateway_circuit_closed", "the server answers again"
			}
			s.w.Log.Warn("a server over HTTP "+map[bool]string{true: "answers again", false: "is left alone for a while"}[to == gateway.BreakerClosed],
				"upstream", server, "failures", failures)
			if err := s.house.Audit.Note(e); err != nil {
				s.w.Log.Error("what became of a server could not be recorded", "upstream", server, "error", err)
			}
		},
	})
}
