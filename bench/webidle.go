package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// webIdle is what sessions cost that nobody uses, each with its open stream.
type webIdle struct {
	Sessions              int
	BeforeMB, MB, LaterMB float64       // resident: before them, with all of them, and some seconds later
	OwnCPU                time.Duration // a second, with all of them open and idle
}

func (i *webIdle) perSession() float64 { return (i.LaterMB - i.BeforeMB) * 1e3 / float64(i.Sessions) }

const (
	idleSessions = 1000
	idlePeople   = 20 // who hold them
	idleWait     = 10 * time.Second
)

// measureWebIdle opens sessions of the legacy era and their streams, and looks at
// what is resident before and behind.
func measureWebIdle(ctx context.Context, o options, issuer *tokenIssuer) (got *webIdle, err error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	echo, err := startWeb(ctx, []string{filepath.Join(o.scratch, "web"), "echo"}, false)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, echo.end()) }()
	door, err := startDoor(ctx, o, filepath.Join(o.scratch, "state-http-idle"), echo.url, issuer.url)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, door.end()) }()
	got = &webIdle{Sessions: idleSessions}
	var all []*webCaller
	defer func() {
		for _, c := range all {
			_ = c.conn.Close()
		}
	}()
	open := func(i int) error {
		secret, err := issuer.token(fmt.Sprintf("caller-%d", i%idlePeople), door.url)
		if err != nil {
			return err
		}
		c, err := dialWeb(ctx, door.url, legacyEra, secret)
		if err != nil {
			return err
		}
		all = append(all, c)
		return c.listen(ctx)
	}
	for i := range idlePeople { // what the first session of each needs is not theirs
		if err := open(i); err != nil {
			return nil, err
		}
	}
	if err := pause(ctx, idleWait); err != nil {
		return nil, err
	}
	if got.BeforeMB, err = resident(door.pid()); err != nil {
		return nil, err
	}
	for i := range idleSessions {
		if err := open(i); err != nil {
			return nil, fmt.Errorf("session %d: %w", i, err)
		}
	}
	if got.MB, err = resident(door.pid()); err != nil {
		return nil, err
	}
	cpu, err := cpuTime(door.pid())
	if err != nil {
		return nil, err
	}
	if err := pause(ctx, idleWait); err != nil {
		return nil, err
	}
	after, err := cpuTime(door.pid())
	if err != nil {
		return nil, err
	}
	got.OwnCPU = time.Duration(float64(after-cpu) / idleWait.Seconds())
	got.LaterMB, err = resident(door.pid())
	return got, err
}

// listen opens the stream of a session on a connection of its own, in place of the
// one that began it.
func (c *webCaller) listen(ctx context.Context) error {
	request := fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n%s\r\n", c.path, c.host, c.fields)
	if _, err := c.conn.Write(request); err != nil {
		return err
	}
	a, _, _, err := c.head()
	if err == nil && a.status != 200 {
		err = fmt.Errorf("the stream gave status %d", a.status)
	}
	return err
}
