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
		for _, definition := range []bool{false, true} {
			benign := benignOf(all, source, definition)
			got.Held = append(got.Held, leaveOut("rules", rules, all, benign, source, definition)...)
			m, kept := train(all, source, definition)
			got.Held = append(got.Held, leaveOut("linear model", m.score, all, kept, source, definition)...)
		}
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

// benignOf are the benign texts of all sources but one.
func benignOf(all []specimen, without string, definition bool) (some []specimen) {
	for _, s := range all {
		if s.Source != without && s.Source != tuningSource && s.Definition == definition && !s.Attack && !s.Unlabelled {
			some = append(some, s)
		}
	}
	return some
}

// leaveOut measures a source against a threshold that none of its texts chose, by
// the kinds of its attacks, which share its benign texts.
func leaveOut(how string, score scorer, all, others []specimen, source string, definition bool) (rows []heldOut) {
	var scores []float64
	for _, s := range others {
		scores = append(scores, score(s))
	}
	limit := threshold(scores)
	benign, falsely := 0, 0
	for _, s := range all {
		if s.Source != source || s.Definition != definition || s.Unlabelled {
			continue
		}
		hit := 0
		if score(s) > limit {
			hit = 1
		}
		if !s.Attack {
			benign++
			falsely += hit
			continue
		}
		i := slices.IndexFunc(rows, func(r heldOut) bool { return r.Kind == s.Kind })
		if i < 0 {
			i = len(rows)
			rows = append(rows, heldOut{How: how, Source: source, Kind: s.Kind, Threshold: limit, Others: len(others)})
		}
		rows[i].Attacks++
		rows[i].Caught += hit
	}
	if len(rows) == 0 && benign > 0 {
		kind := "none: results"
		if definition {
			kind = "none: definitions"
		}
		rows = append(rows, heldOut{How: how, Source: source, Kind: kind, Threshold: limit, Others: len(others)})
	}
	for i := range rows {
		rows[i].Benign, rows[i].False = benign, falsely
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
