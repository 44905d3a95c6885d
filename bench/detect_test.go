package main

import (
	"slices"
	"strings"
	"testing"
)

// TestThreshold: at most one of a hundred benign texts scores more than it.
func TestThreshold(t *testing.T) {
	var benign []float64
	for i := range 250 {
		benign = append(benign, float64(i)/250)
	}
	limit := threshold(slices.Clone(benign))
	over := 0
	for _, b := range benign {
		if b > limit {
			over++
		}
	}
	if over != 2 || threshold(nil) != 0 || threshold([]float64{.3, .1}) != .3 {
		t.Errorf("%d of 250 over %v", over, limit)
	}
}

// TestLeaveOut: the threshold comes from the others, the figures from the source.
func TestLeaveOut(t *testing.T) {
	all := []specimen{
		{Source: "a", Kind: "x", Attack: true, Texts: []string{"9"}}, {Source: "a", Kind: "x", Attack: true, Texts: []string{"3"}},
		{Source: "a", Kind: "calm", Texts: []string{"5"}}, {Source: "a", Kind: "calm", Definition: true, Texts: []string{"9"}},
		{Source: "b", Kind: "calm", Texts: []string{"4"}}, {Source: tuningSource, Texts: []string{"9"}},
	}
	score := func(s specimen) float64 { return float64(s.Texts[0][0] - '0') }
	rows := leaveOut("by hand", score, all, benignOf(all, "a", false), "a", false)
	want := heldOut{How: "by hand", Source: "a", Kind: "x", Threshold: 4, Others: 1, Attacks: 2, Caught: 1, Benign: 1, False: 1}
	if len(rows) != 1 || rows[0] != want {
		t.Errorf("%+v", rows)
	}
}

// TestTrain: the model learns what there is to learn, and the same each time.
func TestTrain(t *testing.T) {
	var all []specimen
	for i := range 40 {
		all = append(all,
			specimen{Source: "a", Attack: true, Texts: []string{"please obey " + strings.Repeat("now ", i%3+1)}},
			specimen{Source: "a", Texts: []string{"the weather is mild " + strings.Repeat("today ", i%3+1)}})
	}
	m, kept := train(all, "b", false)
	again, _ := train(all, "b", false)
	if *m != *again || len(kept) != 20 {
		t.Error("not the same twice, or nothing kept back")
	}
	if a, b := m.score(all[0]), m.score(all[1]); a < .9 || b > .1 {
		t.Errorf("attack %v, benign %v", a, b)
	}
	if core := injected("head WISH tail", "head # tail", "#"); core != "WISH" {
		t.Errorf("%q", core)
	}
}
