//go:build race

package audit

// raceDetector makes every byte cost twenty times as much.
const raceDetector = true
