package config

// Pin says what becomes of a server that is not what it was when it was accepted.
type Pin struct {
	// Changed is about a changed definition: refuse or ask. Shadowing is about a
	// tool that passes for another server's: refuse or warn.
	Changed, Shadowing string
	// Off takes every definition as it comes (dangerously_unpinned).
	Off bool
}

func pinKind() kind[Pin] {
	return object("pin", nil, nil,
		key("changed", word("refuse", "ask"), func(p *Pin) *string { return &p.Changed },
			"A tool, a prompt or a resource template whose definition is not the accepted one: `refuse` until `ostiary pin accept`, or `ask` a person for each call. A server over TLS with another key is refused in any case. Default: `refuse`."),
		key("shadowing", word("refuse", "warn"), func(p *Pin) *string { return &p.Shadowing },
			"A tool whose name can be taken for that of another server, or whose description speaks of another server's tools: `refuse`, or `warn` in the evidence and in `ostiary pin list`; names that differ only by letters that look alike are refused in any case. Default: `warn`."),
		key("dangerously_unpinned", boolean(), func(p *Pin) *bool { return &p.Off },
			"`true`: a server may change what it is and what its tools say between one call and the next."),
	)
}
