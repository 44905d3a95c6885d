// Package auth says who calls: it makes the one ostiary.Principal that limits,
// scopes and records use. [Stdio] does it for a door that a client starts,
// [Authenticator] for a door that many share over HTTP.
//
// # Threat
//
// An agent, a client or a project file that says that it is somebody else, to use
// that person's scopes or to be recorded under that name. Over a network also
// whoever forges a token, replays one after its time or at another resource,
// signs with a key that was meant to verify, makes us ask an issuer without end,
// or invents the address that limits count by.
//
// # Promise
//
// Over stdio the principal is the user id that the operating system gives this
// process, and the session is the parent process with its start time, so that a
// recycled process id is another session. Environment variables, $USER first of
// all, and names that a client gives itself are never read. Scopes come from the
// configuration alone; a user without a row has none.
//
// Over HTTP exactly one credential stands for a request: a JWT of a configured
// issuer, made for this endpoint and signed by an asymmetric algorithm that is
// listed; an opaque token that its issuer vouches for; an API key, of which only
// the hash is kept; or a client certificate that TLS has verified and a row maps
// to a name. What was found out about a token is remembered by its hash, for a
// minute at most and never past its time. An issuer that does not answer lets
// nobody in whom we do not know: its keys count for an hour, its answers about
// opaque tokens for half a minute. No error holds anything that was sent.
// The address of a client is read from a header only where a listed proxy wrote
// it.
//
// # What it does not stop
//
// Over stdio another program of the same user is the same principal, and the
// client's executable is what the parent runs, which for a script is its
// interpreter; it is for the record, and nothing is granted for it.
//
// A bearer token is whoever's who has it; a stolen one counts until it ends or
// its issuer withdraws it, and up to a minute longer. An issuer names whom it
// wants within its prefix. A name that is given in an API key or a certificate row
// is the same principal as one of the same name from an issuer without a prefix.
package auth
