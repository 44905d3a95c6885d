// Package preview shows a person what a call would do, computed by the door
// itself and not by the tool: a written file as a difference, a deletion as the
// list of what goes, a SQL statement as what it is and its plan.
//
// # Threat
//
// A person says yes to "write_file notes.txt" and does not see that it replaces
// a file, adds a line at the end or deletes ten thousand files. What was shown is
// changed between the look and the run. The preview itself is turned into a tool:
// it follows a link out of the workspace, blocks on a FIFO, reads a file of a
// terabyte, runs the statement that it should explain, or hides the change
// behind a million harmless lines.
//
// # Promise
//
// A preview only reads, below one directory that no name and no link leaves, and
// never waits for a FIFO or a device. Reading, text and time are bounded; where a
// bound was hit the text says so, and its first line always has the totals. Each
// preview has a digest of what it was made from: making it again tells whether
// that has changed. SQL is never run: SQLite explains it on a connection that
// cannot write. What cannot be shown, because it is not there or may not be
// looked at, is an error preview_failed, and the door then refuses the call instead
// of asking about it.
//
// # What it does not stop
//
// Between the last look and the moment at which the tool opens the file it can
// still change. The tool may read a name in another way than the door does. Of
// files and directories beyond the bounds the digest covers names, sizes and
// times only as far as they were read. A plan says how SQLite goes about a
// statement, not which rows it changes. Redact must know what is a secret. Text
// is as it was found otherwise, apart from names, which are quoted: whoever shows
// it makes the unusual visible.
package preview
