package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"
)

// webSlow is what clients cost that ask for long answers and do not read them.
type webSlow struct {
	Steps []webSlowStep
}

type webSlowStep struct {
	Clients      int
	BeforeMB, MB float64 // resident, before them and the most with them
}

// Each slow client asks for slowCalls answers of slowBytes and reads none.
const (
	slowBytes = 1 << 20
	slowCalls = 4
	slowWait  = 3 * time.Second
)

func measureWebSlow(ctx context.Context, o options, issuer *tokenIssuer) (got *webSlow, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	echo, err := startWeb(ctx, []string{filepath.Join(o.scratch, "web"), "echo"}, false)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, echo.end()) }()
	got = &webSlow{}
	for _, clients := range []int{50, 200} {
		step, err := slowStep(ctx, o, issuer, echo.url, clients)
		if err != nil {
			return got, fmt.Errorf("%d slow clients: %w", clients, err)
		}
		got.Steps = append(got.Steps, step)
	}
	return got, nil
}

func slowStep(ctx context.Context, o options, issuer *tokenIssuer, upstream string, clients int) (got webSlowStep, err error) {
	got.Clients = clients
	door, err := startDoor(ctx, o, filepath.Join(o.scratch, fmt.Sprintf("state-http-slow-%d", clients)), upstream, issuer.url)
	if err != nil {
		return got, err
	}
	defer func() { err = errors.Join(err, door.end()) }()
	secret, err := issuer.token("slow", door.url)
	if err != nil {
		return got, err
	}
	fast, err := dialWeb(ctx, door.url, modernEra, secret)
	if err != nil {
		return got, err
	}
	defer func() { _ = fast.conn.Close() }()
	if _, err := driveWeb(door.pid(), []*webCaller{fast}, callKind{"echo", small}, 0); err != nil {
		return got, err
	}
	if got.BeforeMB, err = resident(door.pid()); err != nil {
		return got, err
	}
	text := strings.Repeat("x", slowBytes)
	var slow []*webCaller
	defer func() {
		for _, c := range slow {
			_ = c.conn.Close()
		}
	}()
	for range clients {
		c, err := dialWeb(ctx, door.url, modernEra, secret)
		if err != nil {
			return got, err
		}
		slow = append(slow, c)
		raw := c.write(callKind{"echo", slowBytes}, []byte(text))
		go func() {
			for range slowCalls {
				if _, err := c.conn.Write(raw); err != nil && !errors.Is(err, io.ErrClosedPipe) {
					return // the door has cut it off, or the step is over
				}
			}
		}()
	}
	if err := pause(ctx, slowWait); err != nil {
		return got, err
	}
	got.MB, err = residentPeak(door.pid())
	return got, err
}
