// Package wire reads and writes MCP messages: JSON-RPC 2.0, one message at a
// time, in both eras of the protocol.
//
// Threat: two parsers that read one message differently. If the door reads
// "path" and the server behind it reads "PATH", the door judged a call that
// never runs. So does a message that carries a second one inside it.
//
// Promise: a message that Parse accepts means one thing to every JSON parser,
// as far as the door looks at it: no duplicate keys anywhere, in requests no
// keys that differ only by case (Unicode simple folding), valid UTF-8, no lone
// surrogates in requests, one object and nothing behind it, bounded in length
// and depth. Its bytes stay as they were; Splice changes what must change and
// nothing else. Parse never panics and takes time linear in the input.
//
// What it does not stop: parsers that are wrong in other ways (numbers cut to
// 64-bit floats, keys compared after Unicode normalisation or with underscores
// ignored), and results whose keys differ only by case, which servers may
// legitimately send. It decides no policy: an unknown method or protocol
// revision parses.
package wire
