// Package hostile makes texts that are meant to be slow for a rule that finds
// secrets. Tests count on them how often a byte is read, the benchmark how fast.
package hostile

import (
	"regexp/syntax"
	"strings"
)

// Texts are texts of n bytes: a keyword over and over, what almost matches the
// expression, and each of its beginnings. The expression may be empty.
func Texts(regex string, keywords []string, n int) (texts []string) {
	fill := func(s string) {
		if s != "" {
			texts = append(texts, strings.Repeat(s, n/len(s)+1)[:n])
		}
	}
	for _, k := range keywords {
		fill(k)
		fill(k + " ")
		fill(k + "=")
		fill(k + "= ")
		fill(k + ": \"")
	}
	parsed, err := syntax.Parse(regex, syntax.Perl)
	if regex == "" || err != nil {
		return texts
	}
	for _, most := range []int{0, 1, 60, 400} {
		whole := example(parsed, most)
		fill(whole)
		fill(whole + "a")
		fill(whole + "~")
		for k := 1; k <= 8; k++ {
			cut := whole[:len(whole)*k/9]
			fill(cut)
			fill(cut + " ")
			fill(cut + "\"")
		}
		if len(whole) > 1 {
			fill(whole[:len(whole)-1])
			fill(whole[:len(whole)-1] + "-")
		}
	}
	return texts
}

// example is a text that an expression matches: of every class the first character
// and of every repetition as few as may be, or as many up to most.
func example(re *syntax.Regexp, most int) string {
	var b strings.Builder
	switch re.Op {
	case syntax.OpLiteral:
		return string(re.Rune)
	case syntax.OpCharClass:
		for _, want := range "a1A-_. \n" {
			for i := 0; i < len(re.Rune); i += 2 {
				if re.Rune[i] <= want && want <= re.Rune[i+1] {
					return string(want)
				}
			}
		}
		return string(re.Rune[0])
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return "a"
	case syntax.OpCapture:
		return example(re.Sub[0], most)
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			b.WriteString(example(sub, most))
		}
	case syntax.OpAlternate:
		return example(re.Sub[0], most)
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat:
		n, high := re.Min, re.Max
		switch re.Op {
		case syntax.OpStar:
			n, high = 0, -1
		case syntax.OpPlus:
			n, high = 1, -1
		case syntax.OpQuest:
			n, high = 0, 1
		}
		if high < 0 {
			high = max(n, most)
		}
		n = max(n, min(high, most))
		for range n {
			b.WriteString(example(re.Sub[0], most))
		}
	}
	return b.String()
}
