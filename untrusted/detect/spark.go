package detect

import (
	"math/bits"
	"strings"
)

// sparks finds the few places of a text that are worth reading: where an anchor
// stands, four bytes or more of a word that rules need. Most of a text is passed
// over at several bytes a cycle. Anchors are compared with bit 0x20 set, which makes
// letters small; what else falls together is told apart by who reads on.
type sparks struct {
	// seen has a bit for the hash of each gram of four bytes at which an anchor may
	// begin to show. Grams are looked at in every second place, so that each anchor
	// is there with two that stand side by side.
	seen [1 << (gramBits - 6)]uint64
	// grams are the anchors by the hash of the gram.
	grams [1 << gramBits]int32
	list  []anchor
}

const gramBits = 16

// anchor is a text that kindles; at is where its gram stands in it.
type anchor struct {
	text string
	kind kind
	at   int
	rule ruleID // what a phrase says by itself
	next int32  // the next anchor of the same hash, 0 for none
}

// kind is what is done where an anchor stands.
type kind uint8

const (
	kindRead   kind = iota // read what stands around it
	kindLink               // look at the link that begins here
	kindQuery              // look at the address around it
	kindPhrase             // it says all by itself
)

const anchorMin = 5

func hash(gram uint32) uint32 { return gram * 0x9e3779b1 >> (32 - gramBits) }

const (
	lower32 = 0x20202020
	lower64 = 0x2020202020202020
)

func newSparks(all []anchor) *sparks {
	s := &sparks{list: make([]anchor, 1, 2*len(all)+1)} // 0 is none
	for _, a := range all {
		low := make([]byte, len(a.text))
		for i := range low {
			low[i] = a.text[i] | 0x20
		}
		a.text = string(low)
		best := rarest(a.text)
		for at := best; at < best+2; at++ {
			h := hash(load32(a.text, at))
			a.at, a.next = at, s.grams[h]
			s.seen[h>>6] |= 1 << (h & 63)
			s.grams[h] = int32(len(s.list))
			s.list = append(s.list, a)
		}
	}
	return s
}

// rarest is where the two grams of an anchor stand that ordinary text has least.
func rarest(s string) int {
	const letters = " etaoinsrhldcumfpgwybvkxjqz"
	most, at := -1<<16, 0
	for i := 0; i+anchorMin <= len(s); i++ {
		sum := 0
		for k := range anchorMin {
			rank := strings.IndexByte(letters, s[i+k])
			if rank < 0 {
				rank = len(letters) + 4
			}
			sum += rank
		}
		for _, gram := range []string{s[i : i+4], s[i+1 : i+5]} {
			if strings.Contains(usual, gram) {
				sum -= 40
			}
		}
		if sum > most {
			most, at = sum, i
		}
	}
	return at
}

// usual are grams, with what stands between them of no meaning, that ordinary text
// and source are full of.
const usual = "tion stri with ment cont  con form func  fun ublic able ermi  any  all tool ools tice  you  mod mode prov perm gram text all " +
	"cons wing owin ocum .com ding use yste stem  system  from rom  sing assi  may  mus requ eque resp resu esul call  call user prom romp info ream " +
	"truc stru inst over ever ver  efor befo itho noth  say data  mes show pass with enti he u e us es a an a d an is t cook  wil ould  sho acti bjec ffic " +
	"utpu _out outp inpu nput able dire word  info nfor form otif  upd quir ://  http:// https:// cord able ling king lati \n\n"

func load32(s string, i int) uint32 {
	_ = s[i+3]
	return uint32(s[i]) | uint32(s[i+1])<<8 | uint32(s[i+2])<<16 | uint32(s[i+3])<<24
}

// next is the first place from i on, in steps of two, at which a gram stands that
// an anchor has, and len(s) if there is none.
func (s *sparks) next(text string, i int) int {
	for ; i+12 <= len(text); i += 8 {
		w := load64(text, i) | lower64
		x := load32(text, i+6) | lower32
		a, b, c, d := hash(uint32(w)), hash(uint32(w>>16)), hash(uint32(w>>32)), hash(x)
		hit := s.seen[a>>6]>>(a&63)&1 | s.seen[b>>6]>>(b&63)&1<<1 | s.seen[c>>6]>>(c&63)&1<<2 | s.seen[d>>6]>>(d&63)&1<<3
		if hit != 0 {
			return i + 2*bits.TrailingZeros64(hit)
		}
	}
	for ; i+4 <= len(text); i += 2 {
		h := hash(load32(text, i) | lower32)
		if s.seen[h>>6]>>(h&63)&1 != 0 {
			return i
		}
	}
	return len(text)
}

// match calls yield with each anchor whose gram stands at i, and where it begins.
func (s *sparks) match(text string, i int, yield func(a *anchor, start int)) {
	for n := s.grams[hash(load32(text, i)|lower32)]; n != 0; n = s.list[n].next {
		a := &s.list[n]
		if start := i - a.at; start >= 0 && start+len(a.text) <= len(text) && alikeLow(text[start:start+len(a.text)], a.text) {
			yield(a, start)
		}
	}
}

func alikeLow(s, low string) bool {
	for i := range len(low) {
		if s[i]|0x20 != low[i] {
			return false
		}
	}
	return true
}
