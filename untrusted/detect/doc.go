// Package detect reads text from outside for signs that it speaks to the model
// instead of informing it.
//
// # Threat
//
// A page, a mail or a tool's answer tells the model to ignore what it was told,
// poses as the system or as the end of the quotation, asks it to keep a secret from
// the person, names a tool to call, or has a picture loaded from an address that
// carries data away. A tool's definition does the same before anybody called it.
//
// # Promise
//
// Scan and Description say what of that they see: a score, the rules, and where.
// They take time linear in the text, bounded room beside it, and see through
// capitals, characters without width, styled letters, letters of other alphabets
// that look Latin, and one layer of base64, of hex or of the escapes of addresses. The
// same text gets the same answer.
//
// # What it does not stop
//
// It is a signal and never the barrier. Whoever knows the rules writes around them:
// a polite request in plain words, another language, a picture, a second encoding
// are not seen, and a text about such attacks is seen although it is none. Nothing
// may be allowed because the score is low. docs/measurements.md says how much is
// seen of attacks that the rules were not written for; the gates, which do not ask
// what a text says, are what holds.
package detect
