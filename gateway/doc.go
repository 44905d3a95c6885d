// Package gateway is the proxy: it stands between one client and one MCP server
// and takes every message of both through the line of package ostiary.
//
// Threat: an agent that was talked into a harmful call, and a server that sends
// what it should not. Promise: every message of either side is parsed strictly
// once, judged by its class, recorded, and forwarded with the bytes that were
// judged; what is untouched leaves identical, byte for byte. The server runs
// with an allow-listed environment in a process group of its own and ends with
// the door: stdin closed, then SIGTERM, then SIGKILL.
//
// It does not stop: what the server does with a call that was allowed, or by
// itself. A server that leaves its process group and session (a daemon) outlives
// the door; confining it is the sandbox's matter.
package gateway
