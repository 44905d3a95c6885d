package main

import (
	"context"
	"log"
	"slices"

	"github.com/ostiary/ostiary/untrusted/detect"
)

// detection is what the detector of injected instructions sees of sets that it was
// not made for.
type detection struct {
	// Held are the figures of each source while it is left out: the threshold is the
	// one at which at most 1 % of the benign texts of all other sources are flagged.
	Held []heldOut
	// Fixed are the texts of each kind at a score of a half.
	Fixed []fixedRow
	// Flagged are the benign texts with any score at all.
	Flagged []flagged
	Speed   []detectSpeed
}

type heldOut struct {
	How          string // rules, or the model
	Source, Kind string
	Threshold    float64 // what scores more is flagged
	Others       int     // benign texts of the other sources
	Attacks      int
	Caught       int
	Benign       int // of the source itself
	False        int
}

type fixedRow struct {
	Source, Kind             string
	Definition, Attack, Open bool
	Texts, Seen, Half        int
}

type flagged struct {
	Source, Kind, Name string
	Score              float64
	Rules              []string
}

// falseShare is the share of benign texts that may be flagged.
const falseShare = 0.01

// scorer says how suspicious a specimen is.
type scorer func(specimen) float64

func measureDetect(ctx context.Context) (*detection, error) {
	all, err := readSpecimens()
	if err != nil {
		return nil, err
	}
	peers, err := readPeers(ctx)
	if err != nil {
		return nil, err
	}
	all = append(all, peers...)
	if len(all) == 0 {
		log.Print("detect: SKIPPED, not measured: there is neither data nor a server")
		return nil, nil
	}
	d := detect.New(detect.Options{})
	rules := func(s specimen) float64 { score, _ := ruleScore(d, s); return score }
	got := &detection{}
	for _, source := range heldSources {
		got.Held = append(got.Held, leaveOut("rules", rules, all, source)...)
	}
	for _, s := range all {
		score, names := ruleScore(d, s)
		got.count(s, score)
		if !s.Attack && !s.Unlabelled && score > 0 {
			got.Flagged = append(got.Flagged, flagged{s.Source, s.Kind, s.Name, score, names})
		}
	}
	got.Speed = detectSpeeds(d, all)
	return got, nil
}

// heldSources are left out one at a time.
var heldSources = []string{"bipia", "injecagent", "msb", "dvmcp", "notinject", "agentdojo", "npm"}

// leaveOut measures a source against a threshold that none of its texts chose, apart
// for results and for definitions.
func leaveOut(how string, score scorer, all []specimen, source string) (rows []heldOut) {
	for _, definition := range []bool{false, true} {
		var others []float64
		benign, falsely := 0, 0
		var kinds []string
		for _, s := range all {
			if s.Definition != definition || s.Unlabelled || s.Source == tuningSource {
				continue
			}
			if s.Source != source {
				if !s.Attack {
					others = append(others, score(s))
				}
				continue
			}
			if s.Attack && !slices.Contains(kinds, s.Kind) {
				kinds = append(kinds, s.Kind)
			}
		}
		limit := threshold(others)
		attacks, caught := map[string]int{}, map[string]int{}
		for _, s := range all {
			if s.Source != source || s.Definition != definition || s.Unlabelled {
				continue
			}
			hit := 0
			if score(s) > limit {
				hit = 1
			}
			if s.Attack {
				attacks[s.Kind]++
				caught[s.Kind] += hit
			} else {
				benign++
				falsely += hit
			}
		}
		if len(kinds) == 0 && benign > 0 {
			kinds = []string{map[bool]string{false: "benign texts", true: "benign definitions"}[definition]}
		}
		for _, k := range kinds {
			rows = append(rows, heldOut{how, source, k, limit, len(others), attacks[k], caught[k], benign, falsely})
		}
	}
	return rows
}

// threshold is the score that at most falseShare of the benign texts exceed.
func threshold(benign []float64) float64 {
	if len(benign) == 0 {
		return 0
	}
	slices.Sort(benign)
	may := int(falseShare * float64(len(benign)))
	return benign[len(benign)-1-may]
}

// ruleScore is the highest score of a specimen's texts, and what was seen there.
func ruleScore(d *detect.Detector, s specimen) (score float64, rules []string) {
	for _, text := range s.Texts {
		sig := d.Scan(text)
		if s.Definition {
			sig = d.Description(text)
		}
		if sig.Score > score {
			score, rules = sig.Score, sig.Rules
		}
	}
	return score, rules
}

// count adds a specimen to the row of its kind.
func (d *detection) count(s specimen, score float64) {
	i := slices.IndexFunc(d.Fixed, func(r fixedRow) bool {
		return r.Source == s.Source && r.Kind == s.Kind && r.Definition == s.Definition && r.Attack == s.Attack
	})
	if i < 0 {
		i = len(d.Fixed)
		d.Fixed = append(d.Fixed, fixedRow{Source: s.Source, Kind: s.Kind, Definition: s.Definition, Attack: s.Attack, Open: s.Unlabelled})
	}
	r := &d.Fixed[i]
	r.Texts++
	if score > 0 {
		r.Seen++
	}
	if score >= 0.5 {
		r.Half++
	}
}
