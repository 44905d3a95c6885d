// Command relay starts the command of its arguments and copies bytes both ways.
package main

import (
	"context"
	"log"
	"os"

	"github.com/ostiary/ostiary/internal/peers/relay"
)

func main() {
	if err := relay.Bytes(context.Background(), os.Args[1:], os.Stdin, os.Stdout); err != nil {
		log.Fatal(err)
	}
}
