//go:build race

package gateway

// raceDetector makes every byte cost twenty times as much.
const raceDetector = true
