// Package telemetry tells the operator's monitoring how calls go: OpenTelemetry
// traces and metrics with the conventions for MCP, and Prometheus' text format.
//
// # Threat
//
// Monitoring is read by more people than the evidence is, kept in places with less
// care, and fed by what strangers send. A tool's argument, a session's id or a token
// in a label stands on a dashboard; names that a client makes up fill the memory of
// door and monitoring alike; a collector that does not answer holds up calls; a
// collector's address leads into the private network; and a door that counts what it
// did by telemetry has no evidence when telemetry is sampled or lost.
//
// # Promise
//
// What leaves is a closed list, in docs/reference/telemetry.md: words of the door,
// names that the policy file or a server's own list of tools holds, durations,
// counts, and the id of a call in the evidence. Arguments, results, messages,
// reasons, resource URIs, ids of requests and of sessions, tokens, tracestate and
// baggage never do. Any other name is [Other]. The number of different names is
// bounded, whatever servers list.
//
// A call pays for counting and never waits: spans are made elsewhere, queues are
// bounded, and what does not fit is dropped and counted. Every request to a collector
// has a time-out. Losing all of it changes no decision and no record: see
// [ostiary.Observer].
//
// The parent of a call's span is the one that params._meta names (SEP-414), and a
// call that is traced takes the door's own span on to the server. One that is not
// stays the bytes that it was.
//
// # What it does not stop
//
// A client that sends a trace context decides whether its calls are traced, and its
// trace id is exported. The names of tools come from a server's list; one that wants
// to be read on a dashboard can name a tool so. Who reads the metrics sees how much
// is called and refused, by upstream and tool, though not by whom. Prometheus' text
// has no authentication of its own.
package telemetry
