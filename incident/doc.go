// Package incident packs the evidence of an incident into one archive, and checks
// such an archive by itself.
//
// Threat: evidence that is handed on is edited on the way, loses a record, a body
// or a whole log, or is made up; an archive from a stranger attacks who opens it.
//
// Promise: [Export] verifies all logs and packs the records that were asked for,
// byte for byte, each with the proof (RFC 6962) that it stands in its log as the
// log's last checkpoint vouches for it, with the first records of every log, which
// name the logs before it, and with what the records refer to. A manifest lists
// every file by its SHA-256 and is signed with the key of the logs. [Verify] reads
// an archive as a stream, writes nothing, bounds memory, size, names and growth,
// compares every byte with what Export would have packed, and names what is broken.
//
// What it does not stop: whoever holds the key can sign a made-up archive, and the
// key inside an archive proves only that nothing changed since it was packed; a
// key or a checkpoint from elsewhere pins it. That no record was left out of the
// selection is the word of who exported. Bodies may have been dropped before.
package incident
