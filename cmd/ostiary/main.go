// Command ostiary is a doorkeeper for MCP tools. See `ostiary --help`.
package main

import (
	"os"
)

func main() {
	os.Exit(program{
		args: os.Args[1:], in: os.Stdin, out: os.Stdout, err: os.Stderr,
	}.run())
}
