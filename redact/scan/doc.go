// Package scan finds secrets, and on request personal data, in plain text.
//
// Threat: a key, a password or a session in what a tool gives back, which flows
// from there into the model's context, its answers and its next calls.
//
// Promise: whatever a rule of gitleaks or one of our own describes is found, with
// the bytes it takes up, in time that grows with the length of the text only,
// whoever wrote the text.
//
// What it does not stop: a secret that no rule describes; one that is encoded,
// escaped, encrypted or interrupted (the caller decodes); names and addresses of
// people.
package scan
