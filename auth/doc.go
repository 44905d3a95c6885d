// Package auth says who calls: it makes the one ostiary.Principal that limits,
// scopes and records use.
//
// Threat: an agent, a client or a project file that says that it is somebody
// else, to use that person's scopes or to be recorded under that name.
//
// Promise: over stdio the principal is the user id that the operating system
// gives this process, and the session is the parent process with its start time,
// so that a recycled process id is another session. Environment variables, $USER
// first of all, and names that a client gives itself are never read. Scopes come
// from the configuration alone; a user without a row has none.
//
// What it does not stop: another program of the same user is the same principal.
// The client's executable is what the parent runs, which for a script is its
// interpreter; it is for the record, and nothing is granted for it.
package auth
