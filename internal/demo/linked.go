package demo

import (
	"errors"

	"github.com/ostiary/ostiary/internal/demo/server"
)

// linked is a client of a server in a workspace that can be started again.
type linked struct {
	*client
	ws    string
	start func() (*client, error)
}

func link(ws string, start func() (*client, error)) (*linked, error) {
	c, err := start()
	return &linked{client: c, ws: ws, start: start}, err
}

// close leaves the server as it was, for whoever goes on with the folder.
func (l *linked) close() error { return errors.Join(l.client.close(), server.Downgrade(l.ws)) }

// prepare starts the server in a new version if the call is one to that.
func (l *linked) prepare(call Call) error {
	if !call.Update {
		return nil
	}
	if err := l.client.close(); err != nil {
		return err
	}
	if err := server.Update(l.ws); err != nil {
		return err
	}
	c, err := l.start()
	if err == nil {
		l.client = c
	}
	return err
}
