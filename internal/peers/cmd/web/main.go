// Command web is one end or one middle of a line over streamable HTTP, for
// benchmarks: the raw echo server, a reverse proxy that looks at nothing, or the
// SDK's server and client back to back. It listens on a free port of this machine,
// says its URL on standard output, and ends with its standard input.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/ostiary/ostiary/internal/peers/echo"
	"github.com/ostiary/ostiary/internal/peers/relay"
)

func main() {
	flag.Parse()
	if err := run(context.Background(), flag.Arg(0), flag.Arg(1)); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, what, upstream string) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	serve := func() error { return echo.ServeHTTP(l, echo.Options{}) }
	if what != "echo" {
		h, err := middle(ctx, what, upstream)
		if err != nil {
			return err
		}
		serve = func() error {
			return (&http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}).Serve(l)
		}
	}
	ended := make(chan error, 1)
	go func() { ended <- serve() }()
	go func() {
		_, err := io.Copy(io.Discard, os.Stdin)
		ended <- err
	}()
	fmt.Println("http://" + l.Addr().String() + "/mcp")
	return <-ended
}

func middle(ctx context.Context, what, upstream string) (http.Handler, error) {
	switch what {
	case "proxy":
		return relay.Proxy(upstream)
	case "sdk":
		return relay.SDKOverHTTP(ctx, upstream)
	}
	return nil, errors.New("usage: web echo | web proxy URL | web sdk URL")
}
