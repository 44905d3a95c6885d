// Package gateway is the proxy: it stands between clients and an MCP server and
// takes every message of both through the line of package ostiary. Run is one
// client over stdio; an Endpoint is many over streamable HTTP, with a door for
// each legacy session and for each principal of the modern era, whose server is a
// process or, as a Remote, over HTTP itself.
//
// Threat: an agent that was talked into a harmful call, and a server that sends
// what it should not. Promise: every message of either side is parsed strictly
// once, judged by its class, recorded, and forwarded with the bytes that were
// judged; what is untouched leaves identical, byte for byte. Neither side can
// make the door wait for ever, grow without bound, or answer one request with
// the answer of another. The server runs with an allow-listed environment in a
// process group of its own and ends with the door: stdin closed, then SIGTERM,
// then SIGKILL.
//
// # What is not relayed
//
// A request under the id of an open one, or of one that was never answered. An
// answer to no open request, a second one, a late one. A request that is a
// notification by its name, and the reverse. Progress for no open request, and
// more than 100 progress and log notifications a second. Each is recorded, after
// the first 60 in a minute as a count.
//
// # Over HTTP
//
// An Endpoint serves streamable HTTP in both eras, and Remote reaches a server by
// it. Each request proves who sends it; the credential stays here. Lists show only
// what the caller may call. Sessions belong to who began them; another's cannot be told from none. What
// the header says must be what the body says, and is written anew for the server.
// Requests that come to no door are recorded too, after the first 60 in a minute
// as a count. Redirects of a server are not followed, and its 401 and 403 are the
// operator's matter. A client that does not read slows down its own request and is
// cut off after HTTPOptions.WriteWait; what one principal has on its way is bounded.
//
// What a server says by itself reaches a modern client by the subscription that
// asked for it, under its own id; log messages
// of a server that was started go to the oldest of its requests that asked for them.
// What lasts, a stream, a subscription or a connection by WebSocket, ends when its
// credential counts no more. A panic ends the one door in which it happened.
//
// By WebSocket a connection is a door, as over stdio: one message a text frame, the
// caller proved by the request that asks for the connection, its origin judged by
// the list that holds over HTTP. HTTP/2 is spoken over TLS only. Clients of
// HTTP+SSE are told what to use.
//
// # What it does not stop
//
// What the server does with a call that was allowed, or by itself. A
// server that leaves its process group and session (a daemon) outlives the door, and so do
// the server's own children if the door is killed with SIGKILL: the kernel then
// kills the server alone, and they see their pipes close. Confining them is the
// sandbox's matter.
//
// # What to know
//
// A call's time-out stands still while a person is asked, by the door or by an
// elicitation/create of the server: for up to 10 minutes a call, and for all calls
// of the server, since such a question does not say which call it is for.
// notifications/progress of the door's own, while it waits for a person, count up
// to 0 from below, so that the server's own, from 0 on, go on growing.
// Requests are judged at the same time, so two that a client sends without
// waiting may reach the server in another order; notifications and what stands
// behind `initialize` keep their places.
package gateway
