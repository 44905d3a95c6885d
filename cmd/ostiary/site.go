package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/auth"
	"github.com/ostiary/ostiary/config"
	"github.com/ostiary/ostiary/gateway"
	"github.com/ostiary/ostiary/limit"
	"github.com/ostiary/ostiary/wire"
)

// site are the endpoints of one door over HTTP.
type site struct {
	file  *config.File
	house *config.House
	w     config.Wiring
	base  string
	p     program
	trace func(*ostiary.Call) (string, bool)

	address   func(*http.Request) string // where a request comes from, as far as that is verified
	strangers *gateway.Strangers
	front     gateway.Front

	check     *auth.Authenticator
	callers   *auth.Socket // nil without a socket
	mux       *http.ServeMux
	names     []string
	endpoints []*gateway.Endpoint
	resources map[string]*auth.Resource // by the path of the endpoint
	capacity  *gateway.Capacity
}

func (s *site) path(name string) string     { return "/" + name + "/mcp" }
func (s *site) endpoint(name string) string { return strings.TrimSuffix(s.base, "/") + s.path(name) }

// sessions are how many each endpoint has.
func (s *site) sessions() map[string]int { return reported(s, (*gateway.Endpoint).Sessions) }

// available are the servers that calls are sent to.
func (s *site) available() map[string]bool { return reported(s, (*gateway.Endpoint).Available) }

func reported[V any](s *site, of func(*gateway.Endpoint) V) map[string]V {
	all := make(map[string]V, len(s.names))
	for i, e := range s.endpoints {
		all[s.names[i]] = of(e)
	}
	return all
}

// close ends the endpoints at the same time: each lets its calls end within the
// grace.
func (s *site) close() {
	var all sync.WaitGroup
	for _, e := range s.endpoints {
		all.Go(e.Close)
	}
	all.Wait()
	if s.strangers != nil {
		s.strangers.Flush()
	}
}

// handler makes an endpoint of every server of the file.
func (s *site) handler() (http.Handler, error) {
	s.resources = map[string]*auth.Resource{}
	s.capacity = &gateway.Capacity{Sessions: s.file.Serve.AllSessions, Streams: s.file.Serve.AllStreams, PerPrincipal: s.file.Serve.Streams, Grown: collectSoon}
	far := s.file.Serve.Address()
	s.address = func(r *http.Request) string {
		if s.callers.Has(r) {
			return s.callers.Address(r)
		}
		return far(r)
	}
	s.strangers = gateway.NewStrangers(gateway.StrangerOptions{
		Line: s.house.Line, Address: s.address, Room: s.roomy, Now: s.w.Now, Rand: s.w.Rand, Log: s.w.Log,
	})
	peers, err := limit.NewPeers(s.file.Limits.PerAddress, s.w.LimitClock)
	if err != nil {
		return nil, err
	}
	s.front = gateway.Front{Address: s.address, Take: peers.Take, Refused: s.strangers.Refused}
	if s.check, err = s.file.NewAuth(s.w, s.house.Store(), s.audience, s.address); err != nil {
		return nil, err
	}
	s.mux = http.NewServeMux()
	for _, end := range s.file.Endpoints() {
		u := end.Upstream
		if u.URL == "" && len(u.Command) == 0 {
			return nil, &ostiary.Error{Code: ostiary.CodeConfigInvalid,
				Message: fmt.Sprintf("upstreams.%s has neither a url nor a command: give it one of them", u.Name)}
		}
		if u.URL == "" {
			started := *u
			started.Cwd = s.directory(u.Name)
			if err := place(s.file, started); err != nil {
				return nil, err
			}
			if program := missingProgram(started.Cwd, u.Command); program != "" {
				s.w.Log.Error("the program of a server cannot be found or run, so every call to it will fail: install it, or correct upstreams."+u.Name+".command",
					"upstream", u.Name, "program", program)
			}
		}
		e, err := s.open(&end)
		if err != nil {
			return nil, err
		}
		s.names = append(s.names, end.Name)
		s.endpoints = append(s.endpoints, e)
		s.mux.Handle(s.path(end.Name), e)
		s.mux.Handle("/"+end.Name+"/sse", gateway.Outdated{Endpoint: s.endpoint(end.Name), Refused: s.strangers.Refused})
		if m := s.resources[s.path(end.Name)]; m != nil {
			s.mux.Handle(m.MetadataPath(), m)
		}
	}
	if len(s.names) == 0 {
		return nil, &ostiary.Error{Code: ostiary.CodeConfigInvalid,
			Message: "there is no server to serve: add one under upstreams: with its url or its command"}
	}
	s.mux.Handle("/sse", gateway.Outdated{Endpoint: s.endpoint("UPSTREAM"), Refused: s.strangers.Refused})
	s.mux.HandleFunc("GET /{$}", s.index)
	s.mux.HandleFunc("/", s.nowhere)
	return s.front.Guard(s.hosts().Guard(s.mux)), nil
}

// roomy reports whether the disk has more left than what is kept for callers who
// are known.
func (s *site) roomy() bool {
	free, err := s.house.Audit.Free()
	return err == nil && free >= int64(s.file.Audit.Reserve)
}

// local are the same endpoints for callers of the socket, by no name but
// localhost: no page that a browser shows comes by a socket.
func (s *site) local() http.Handler {
	return s.front.Guard(gateway.Hosts{Refused: s.strangers.Refused}.Guard(s.mux))
}

// audience is what a token for the endpoint of a request may name; one for any of
// them may ask which there are.
func (s *site) audience(r *http.Request) (all []string) {
	for path, m := range s.resources {
		if path == r.URL.Path || r.URL.Path == "/" {
			all = append(all, m.Audience())
		}
	}
	return all
}

// authenticate asks the kernel where it can.
func (s *site) authenticate(r *http.Request) (ostiary.Principal, string, error) {
	if s.callers.Has(r) {
		return s.callers.Authenticate(r)
	}
	return s.check.Authenticate(r)
}

// ends is when the time of a caller's credential is over; a user of this machine
// has none.
func (s *site) ends(r *http.Request) time.Time {
	if s.callers.Has(r) {
		return time.Time{}
	}
	return s.check.Ends(r)
}

// refuse answers who could not be identified; scopes are what to sign in with.
func (s *site) refuse(resource *auth.Resource, scopes []string) func(http.ResponseWriter, *http.Request, error) {
	return func(w http.ResponseWriter, r *http.Request, err error) {
		status, header := resource.Challenge(err, scopes)
		if s.callers.Has(r) { // there is nothing to sign in with
			if header = nil; status == http.StatusUnauthorized {
				status = http.StatusForbidden
			}
		}
		for name, values := range header {
			w.Header()[name] = values
		}
		http.Error(w, ostiary.AsError(err).Message, status)
	}
}

// open makes the endpoint of one server, or of one view of it.
func (s *site) open(end *config.Endpoint) (*gateway.Endpoint, error) {
	u := end.Upstream
	resource, signIn, err := s.resource(end.Name, u.Name)
	if err != nil {
		return nil, err
	}
	s.resources[s.path(end.Name)] = resource
	remote, err := s.remote(u)
	if err != nil {
		return nil, err
	}
	return gateway.NewEndpoint(gateway.HTTPOptions{
		Authenticate: s.authenticate, Refuse: s.refuse(resource, signIn), Address: s.address, Strangers: s.strangers,
		StepUp: stepUp(resource),
		Door: gateway.Options{
			Line: s.house.Line, Policy: s.house.Policy, Upstream: u.Name, Views: end.Views, View: end.View, Remote: remote,
			Command: u.Command, Dir: s.directory(u.Name), Env: gateway.Environment(os.Environ(), u.PassEnv, u.Env),
			StderrBytes: s.file.Limits.Stderr, Stderr: s.p.err, Clean: s.house.Cleaner,
			CatalogFile: catalogFile(s.w.State, u.Name), Journal: s.house.Audit,
			Mask: s.house.Redactor.Message, Pins: s.house.Pins(), Trace: s.trace,
			Limits:      wire.Limits{MaxBytes: s.file.Limits.Message},
			CatalogWait: s.file.Limits.Catalog, Grace: s.file.Limits.Shutdown,
			Log: s.w.Log, Now: s.w.Now, Rand: s.w.Rand,
		},
		WebSocket: s.file.Serve.WebSocket, Pages: s.hosts(), Take: s.front.Take,
		Ends: s.ends, WriteWait: s.file.Serve.Write, ReadWait: s.file.Serve.Read,
		IdleSession: s.file.Serve.Idle, Sessions: s.file.Serve.Sessions, Capacity: s.capacity, Log: s.w.Log,
	}), nil
}

// directory is where a server that is started runs.
func (s *site) directory(name string) string {
	if u := s.file.Upstream(name); u != nil && u.Cwd != "" {
		return u.Cwd
	}
	return s.file.Dir
}

// hosts are the names by which clients may call.
func (s *site) hosts() gateway.Hosts {
	h := gateway.Hosts{Names: s.file.Serve.Names, Origins: s.file.Serve.Origins, Refused: s.strangers.Refused}
	if u, err := url.Parse(s.file.Serve.URL); err == nil && u.Hostname() != "" {
		h.Names = append(h.Names[:len(h.Names):len(h.Names)], u.Hostname())
	}
	return h
}
