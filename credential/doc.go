// Package credential gives the door the credentials by which it calls servers over
// HTTP.
//
// # Threat
//
// A credential that outlives its rotation and is sent although it was taken back;
// one that is empty because a file was not there; a principal's that another one's
// calls carry; a program that is asked for a credential and gets what a model
// wrote; an issuer that is down or slow and takes every call with it.
//
// # Promise
//
// A [Credential] is a fixed text, a file, the output of a program, or a token that
// an issuer gives to the door itself (OAuth 2.0, RFC 6749, section 4.4), or a text
// made of the first three. A file is read again within a second of its change; a
// program runs again after its time, a token is asked for again before its end,
// and each of them once more after the server has refused it, for all callers
// together. A program runs without a shell, with an environment that is listed,
// for a bounded time and output, and never sees anything of a call. Where a
// source fails, the call is refused with [ostiary.CodeCredentialUnavailable]: what
// is not there any more is not sent, except for a token that the issuer itself
// gave for longer. A principal gets its own credential or, only where the operator
// says so, the common one; else [ostiary.CodeCredentialMissing]. Every value is
// told to Options.Learn before it is used, so that it can be kept out of the log
// and of what comes back.
//
// # What it does not stop
//
// What a server does with the credential that it was given. A file that is
// rewritten in place may be read half written; put a new one in its place with
// rename. A program of the operator's is trusted with what it gives.
package credential
