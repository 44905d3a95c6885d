// Package pin holds a server to what it was when it was accepted: the program or
// the key behind it, its instructions and special capabilities, and every definition
// of a tool, a prompt and a template of resources.
//
// # Threat
//
// A person looks at a server's tools and prompts once. Later the server describes one of them
// in other words, which the model obeys (a rug pull); a schema asks for more, an
// annotation says that what destroys does not; a package or a command is exchanged
// for another one under the same name; a second server offers a tool whose name
// passes for that of the first, or whose description speaks of the first one's.
//
// # Promise
//
// What a server says of itself at first sight is kept, in a canonical form and by
// digest, in the store that all doors share, and noted in the evidence
// (pin_created); what is suspicious about it is said before anybody trusts it. From
// then on a tool whose definition is not one that was accepted is refused with
// definition_changed, or asks a person where the operator chose that; its neighbours
// go on. A tool that is new in a known server counts as changed. Where the program or
// the key is another one, every call is refused with pin_upstream. Lists show a
// changed tool as it was accepted and leave out what never was, instructions are
// those that were accepted, so no new text reaches the model before a person has run
// `ostiary pin accept`, which shows the difference and is noted first. A removed tool
// stays pinned. Prompts and templates of resources are held as tools are: to those
// that the server's list has now. Experimental capabilities and extensions of a
// handshake that were not accepted are left out of it. With an unchanged server a call pays two comparisons of digests.
//
// # What it does not stop
//
// The first definition is trusted, findings aside: a server that is bad from the
// start is for the other rooms. A server may keep its definitions and change what
// its tools do. Of a program that is started the file itself is hashed, of a script
// also the package.json of its package, not what they load; a runner that fetches
// code (npx, uvx, docker) is known by what it was told to fetch. The file is read
// while it starts, so who can exchange it at that moment is not seen until the next
// start. Of a server over TLS the key of the certificate is known when a connection
// is made, and looked at again as long as there is one. Resources are data and are not
// held, and what a template or a prompt gives may be another thing each time. Whoever
// can write the store can accept without a record.
package pin
