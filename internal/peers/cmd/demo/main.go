// Command demo is the server of the demonstration on stdin and stdout. Its argument is
// a workspace made by server.Make; with -make it first makes one in that folder.
package main

import (
	"context"
	"flag"
	"log"
	"os"

	"github.com/ostiary/ostiary/internal/demo/server"
)

func main() {
	create := flag.Bool("make", false, "make the workspace in the folder given")
	flag.Parse()
	if flag.NArg() != 1 {
		log.Fatal("usage: demo [-make] FOLDER")
	}
	ws := flag.Arg(0)
	if *create {
		var err error
		if ws, err = server.Make(ws); err != nil {
			log.Fatal(err)
		}
	}
	if err := server.Serve(context.Background(), ws, os.Stdin, os.Stdout); err != nil {
		log.Fatal(err)
	}
}
