package main

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"unicode"
)

// model is a linear one over hashed words, pairs of words and pairs with one word
// between them, of a sentence or two. It is trained anew for every source that is
// left out, always the same way from the same data; nothing of it is shipped.
type model struct {
	weights [modelBuckets]float64
	bias    float64
}

const (
	modelBuckets = 1 << 15
	modelEpochs  = 12
	modelRate    = 0.15
	modelShrink  = 1e-5
	windowWords  = 30
)

// windows are the sentences of a text, each with the one behind it, as features.
func windows(text string) (all [][]uint32) {
	var before []string
	for part := range strings.FieldsFuncSeq(strings.ToLower(text), func(r rune) bool { return strings.ContainsRune(".!?\n;{}", r) }) {
		words := strings.FieldsFunc(part, func(r rune) bool { return !unicode.IsLetter(r) && r != '\'' })
		if len(words) == 0 {
			continue
		}
		words = words[:min(len(words), windowWords)]
		all = append(all, features(words))
		if before != nil {
			all = append(all, features(append(before, words...)))
		}
		before = slices.Clip(words)
	}
	return all
}

func features(words []string) (all []uint32) {
	add := func(kind byte, parts ...string) {
		h := uint64(14695981039346656037) ^ uint64(kind)
		for _, p := range parts {
			for i := range len(p) {
				h = (h ^ uint64(p[i])) * 1099511628211
			}
			h = (h ^ ' ') * 1099511628211
		}
		all = append(all, uint32(h>>20)%modelBuckets)
	}
	for i, w := range words {
		add('1', w)
		if i+1 < len(words) {
			add('2', w, words[i+1])
		}
		if i+2 < len(words) {
			add('3', w, words[i+2])
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

type lesson struct {
	features []uint32
	attack   bool
	weight   float64
}

// train learns from the attacks of these specimens by themselves, and from the
// benign ones, every other of which is kept back to choose a threshold by.
func train(all []specimen, without string, definition bool) (*model, []specimen) {
	var lessons []lesson
	var kept []specimen
	total := map[string]float64{} // by source and label: each counts the same
	keys := []string{}
	benign := 0
	for _, s := range all {
		if s.Source == without || s.Unlabelled || s.Definition != definition {
			continue
		}
		if s.Source == "notinject" { // never learnt from
			kept = append(kept, s)
			continue
		}
		texts := s.Texts
		if s.Attack && s.Core != "" {
			texts = []string{s.Core}
		}
		if !s.Attack {
			if benign++; benign%2 == 0 && s.Source != tuningSource {
				kept = append(kept, s)
				continue
			}
		}
		key := s.Source + map[bool]string{true: "+", false: "-"}[s.Attack]
		for _, t := range texts {
			for _, f := range windows(t) {
				lessons = append(lessons, lesson{features: f, attack: s.Attack})
				keys = append(keys, key)
				total[key]++
			}
		}
	}
	for i := range lessons {
		lessons[i].weight = math.Sqrt(float64(len(lessons)) / total[keys[i]] / float64(len(total)))
	}
	m := &model{}
	rng := rand.New(rand.NewPCG(1, 1))
	var squares [modelBuckets]float64
	for range modelEpochs {
		for _, i := range rng.Perm(len(lessons)) {
			l := lessons[i]
			want := 0.0
			if l.attack {
				want = 1
			}
			g := l.weight * (m.probability(l.features) - want)
			m.bias -= modelRate * 0.1 * g
			for _, f := range l.features {
				d := g + modelShrink*m.weights[f]
				squares[f] += d * d
				m.weights[f] -= modelRate * d / math.Sqrt(squares[f]+1e-6)
			}
		}
	}
	return m, kept
}

func (m *model) probability(features []uint32) float64 {
	sum := m.bias
	for _, f := range features {
		sum += m.weights[f]
	}
	return 1 / (1 + math.Exp(-sum/math.Sqrt(float64(len(features)))))
}

// score is the highest of a specimen's windows.
func (m *model) score(s specimen) (best float64) {
	for _, t := range s.Texts {
		for _, f := range windows(t) {
			best = max(best, m.probability(f))
		}
	}
	return best
}
