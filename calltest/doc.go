// Package calltest runs cases: text archives (*.txtar) in which a security person
// writes down one threat without Go: the policy, the server's tools, the call, what
// the server would answer, the decision and the record that must come of it.
// docs/reference/call-cases.md is the grammar.
//
// Threat: a policy that reads well and lets the attack pass, and a test of it that
// passes for another reason than the one it was written for.
//
// Promise: a case goes through the real gateway, the real line and a real audit log
// in a temporary state directory, and the record is read back from that log. A case
// that expects a refusal needs a control (another policy or another call) with which
// the same steps reach the server, so that no case passes because it was broken.
// Whatever is unknown or misspelt in a case is an error with its place. The clock
// stands still but for what people do, so that a flood is refused at the same call
// on every machine. People act through the desks that the command line uses.
//
// What it does not stop: the server is a script in this process, so what a real one
// does with a call is not tested; the rules of the operating system (who may write
// the policy, who calls) are taken from the case.
package calltest
