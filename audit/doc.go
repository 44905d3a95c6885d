// Package audit keeps the evidence: an append-only log of what was asked,
// decided and answered.
//
// Threat: someone without the signing key alters, removes, inserts or reorders
// evidence and nobody notices; a crash, a full disk or a failing disk lets a
// call pass without its record.
//
// Promise: [Log] implements [ostiary.Recorder]. Intent and End return nil only
// after the record, a hash tree over all records of the log (RFC 6962) and a
// signed checkpoint of that tree are on the disk, by one write and one fdatasync
// shared by everybody who waits. After the first failed write or sync the log
// refuses everything: what a disk holds after a failed fsync is unknown, so it
// is never tried again. Every process instance has a log of its own, and the first
// record of a log commits to the heads of the others, so that a missing log shows.
// [Verify] reads all of it and names the first broken record.
//
// What it does not stop: someone who holds the key (anybody with a shell as the
// same user, and root) can write a new history. Cutting records off the end of
// the newest log looks like a crash. Both show only against a checkpoint that was
// kept elsewhere ([Options].CheckpointTo). Bodies may be removed, by design;
// their removal is counted, not refused. It does not judge what it records, and
// it redacts only with the functions that it is given.
package audit
