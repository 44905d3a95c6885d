// Command echo is the raw echo server of package echo on stdin and stdout.
package main

import (
	"flag"
	"log"
	"os"

	"github.com/ostiary/ostiary/internal/peers/echo"
)

func main() {
	extra := flag.Int("extra", 0, "list this many more tools")
	flag.Parse()
	if err := echo.Serve(os.Stdin, os.Stdout, echo.Options{Extra: *extra}); err != nil {
		log.Fatal(err)
	}
}
