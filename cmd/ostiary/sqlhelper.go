package main

import "github.com/ostiary/ostiary/validate/sqlhelper"

// sqlHelperCommand is the child that parses SQL; the door starts it.
type sqlHelperCommand struct{}

func (sqlHelperCommand) Run(p program) error { return sqlhelper.Serve(p.in, p.out) }
