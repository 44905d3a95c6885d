// Package house holds the tests that keep the house in order: which package may
// import which, what no package may contain, and how long files are. It has no
// code of its own.
package house
