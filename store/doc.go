// Package store keeps state that outlives a call: approvals, grants,
// idempotency keys, freezes. It is where all processes that share a state
// directory meet, without a daemon: SQLite in WAL mode, in store.sqlite.
//
// # Threat
//
// Two doors use one approval at once. A crash forgets that a capability was
// used, or that somebody froze a tool. Another user of the machine reads an
// approval's bytes or writes one. A full disk, a deleted file or a restored
// backup quietly makes everything allowed again.
//
// # Promise
//
// Writers of all processes are alone one after the other, in the order in which
// they came, and a nil from Update means that the transaction is on the disk as a
// whole. The directory is 0700 and every file 0600, of this user, or nothing is
// opened. Whatever is wrong with the files is an error, which denies: a store
// that was there before is never replaced by an empty one. Reading is lazy and
// cheap, so that every door can open the store.
//
// # What it does not stop
//
// A process of the same user can write the file; see "Custody" in the README.
// Restoring an older copy of the whole directory while no door runs is not
// noticed here. SQLite notices damage to the structure of its pages, not every
// flipped bit inside a value. Rows that are deleted or purged lie in free
// pages and in the log of the database until these are written again. The state
// directory must be on a local disk: WAL needs memory that the processes share.
package store
