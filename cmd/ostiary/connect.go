package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/config"
	"github.com/ostiary/ostiary/gateway"
	"github.com/ostiary/ostiary/wire"
)

// connectCommand is the stdio end of a door over HTTP.
type connectCommand struct {
	Name      string `help:"Name of the server at the door; it may be left out where there is only one."`
	TokenFile string `placeholder:"FILE" env:"OSTIARY_TOKEN_FILE" help:"File with the API key or token for a door at a URL; nobody else may read it."`
	Door      string `arg:"" help:"The door: its URL (https://gateway.example), the URL of one server at it, or the path of its Unix socket."`
}

// connectGrace is how long calls in flight may take when the client has gone.
const connectGrace = 5 * time.Second

// Run relays until the client leaves.
func (c *connectCommand) Run(ctx context.Context, p program) error {
	d, err := reach(c.Door, c.TokenFile)
	if err != nil {
		return err
	}
	defer d.client.CloseIdleConnections()
	return gateway.Connect(ctx, gateway.ConnectOptions{
		Endpoint: func(ctx context.Context) (string, error) { return d.endpoint(ctx, c.Name) },
		Door:     d.name, Client: d.client, Header: d.header,
		Limits: wire.Limits{MaxBytes: config.Defaults().Limits.Message}, Grace: connectGrace,
		In: p.in, Out: p.out, Stderr: p.err,
	})
}

// endpoint is the URL of a server at the door. A URL with a path is one already;
// else the door is asked which there are, unless a name says it.
func (d *reached) endpoint(ctx context.Context, name string) (string, error) {
	whole := strings.Trim(d.base.Path, "/") != ""
	switch {
	case whole && name == "":
		return d.base.String(), nil
	case whole:
		return "", &ostiary.Error{Code: ostiary.CodeConfigInvalid, Message: "the URL names a server by its path already: leave --name out, or give the URL of the door without a path"}
	case name != "":
		return d.at(name), nil
	}
	list, err := d.index(ctx)
	if err != nil {
		return "", err
	}
	var names []string
	for _, s := range list.Servers {
		names = append(names, s.Name)
	}
	if len(names) != 1 {
		return "", &ostiary.Error{Code: ostiary.CodeConfigInvalid,
			Message: fmt.Sprintf("the door has %s (%s): say which with --name", counted(len(names), "server"), visible(strings.Join(names, ", ")))}
	}
	return d.at(names[0]), nil
}

func (d *reached) at(name string) string {
	u := *d.base
	u.Path = "/" + name + "/mcp"
	return u.String()
}

// index asks the door who this is to it, and which servers it has.
func (d *reached) index(ctx context.Context) (*siteIndex, error) {
	ctx, cancel := context.WithTimeout(ctx, indexFor)
	defer cancel()
	root := *d.base
	root.Path = "/"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, root.String(), nil)
	if err != nil {
		return nil, err
	}
	own, err := d.header()
	if err != nil {
		return nil, err
	}
	for name, values := range own {
		req.Header[name] = values
	}
	resp, err := d.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return readIndex(resp)
}

// indexFor bounds the question which servers there are.
const indexFor = 30 * time.Second

// baseOf reads what the command line says of the door.
func baseOf(door string) (base *url.URL, socket string, err error) {
	if path, ok := strings.CutPrefix(door, "unix:"); ok || !strings.Contains(door, "://") {
		return &url.URL{Scheme: "http", Host: "localhost"}, path, nil
	}
	u, err := url.Parse(door)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, "", &ostiary.Error{Code: ostiary.CodeConfigInvalid, Message: "this is neither the URL of a door nor the path of a socket: write https://host, or /path/of/socket"}
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, "", &ostiary.Error{Code: ostiary.CodeConfigInvalid, Message: "the URL of a door holds neither a credential nor a query, because others see command lines: put the credential into a file and name it with --token-file"}
	}
	return u, "", nil
}
