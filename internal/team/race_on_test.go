//go:build race

package team

// raced says that the tests, and so the program that they build, run under the
// race detector.
const raced = true
