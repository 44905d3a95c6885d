// Package e2e tests the built program as a whole: real clients on one side, real
// servers on the other, and the process killed, crowded and abandoned in between.
// It holds tests only; nothing here is shipped.
package e2e
