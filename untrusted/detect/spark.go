package detect

import (
	"encoding/binary"
	"strings"
)

// sparks finds the few places of a text that are worth reading: where an anchor
// stands, a word or a few that rules need. Most of a text is passed over at about a
// byte a cycle. Anchors are compared with bit 0x20 set, which makes
// letters small; what else falls together is told apart by who reads on.
type sparks struct {
	// seen has a bit for the hash of each gram, five bytes by which an anchor shows.
	// A text is looked at in every second place, so that each anchor is here with two
	// grams that stand side by side.
	seen [1 << (gramBits - 6)]uint64
	// heads are where the chains of the anchors begin, by a part of the hash.
	heads [1 << headBits]uint16
	list  []anchor
}

const (
	gramBits = 17
	headBits = 11
)

// anchor is a text that kindles; at is where its gram stands in it.
type anchor struct {
	text string
	kind kind
	at   int
	rule ruleID // what a phrase says by itself
	hash uint64 // of its gram
	next uint16 // the next anchor of the chain, 0 for none
}

// kind is what is done where an anchor stands.
type kind uint8

const (
	kindRead   kind = iota // read what stands around it
	kindLink               // look at the link that begins here
	kindQuery              // look at the address around it
	kindPhrase             // it says all by itself
)

// anchorMin is the shortest anchor: a gram and a byte more.
const anchorMin = gramSize + 1

const gramSize = 5

// hash is that of the gram in the first five bytes of w.
func hash(w uint64) uint64 { return w << 24 * 0x9e3779b97f4a7c15 >> (64 - gramBits) }

const lower64 = 0x2020202020202020

func newSparks(all []anchor) *sparks {
	s := &sparks{list: make([]anchor, 1, 2*len(all)+1)} // 0 is none
	common := make(map[string]bool, 2*len(usual))
	for i := range len(usual) - gramSize {
		common[usual[i:i+gramSize-1]], common[usual[i:i+gramSize]] = true, true
	}
	for _, a := range all {
		low := make([]byte, len(a.text))
		for i := range low {
			low[i] = a.text[i] | 0x20
		}
		a.text = string(low)
		best := rarest(a.text, common)
		for at := best; at < best+2; at++ {
			h := gramAt(a.text, at)
			head := &s.heads[h&(1<<headBits-1)]
			a.at, a.hash, a.next = at, h, *head
			s.seen[h>>6] |= 1 << (h & 63)
			*head = uint16(len(s.list))
			s.list = append(s.list, a)
		}
	}
	return s
}

// rarest is where the two grams of an anchor stand that ordinary text has least.
func rarest(s string, common map[string]bool) int {
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
		for _, gram := range []string{s[i : i+4], s[i+1 : i+5], s[i+2 : i+6]} {
			if common[gram] {
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
	"utpu _out outp inpu nput able dire word  info nfor form otif  upd quir ://  http:// https:// cord able ling king lati  the the  ther othe hers ques uest ssag essa mess ntex onte nten port epor repo what this  thi does  doe your hall comm repl " +
	"seco cred rede roper sswo assw cret secr plai ollo foll fter afte rmat orma ompt ooki priv rope ulti fore orwa your our   fir irst  cou ound foun ould houl ask answ nswe swer stin esti sting espo spon pons  appr ppro appi ntia tart akes  coun ount  firs all  the  e to o th d an s an  and "

// gramAt is the hash of the gram at s[i:i+gramSize].
func gramAt[S string | []byte](s S, i int) uint64 {
	return hash((uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 | uint64(s[i+4])<<32) | lower64)
}

func (s *sparks) has(hash uint64) bool { return s.seen[hash>>6]&(1<<(hash&63)) != 0 }

// next is the first place from i on, in steps of two, at which a gram stands that
// an anchor has, and its hash; it is len(text) if there is none.
func (s *sparks) next(text []byte, i int) (at int, gram uint64) {
	for ; i+12 <= len(text); i += 8 {
		b := text[i : i+12]
		w, x := binary.LittleEndian.Uint64(b)|lower64, binary.LittleEndian.Uint64(b[4:])|lower64
		if h := hash(w); s.has(h) {
			return i, h
		}
		if h := hash(w >> 16); s.has(h) {
			return i + 2, h
		}
		if h := hash(x); s.has(h) {
			return i + 4, h
		}
		if h := hash(x >> 16); s.has(h) {
			return i + 6, h
		}
	}
	for ; i+gramSize <= len(text); i += 2 {
		if h := gramAt(text, i); s.has(h) {
			return i, h
		}
	}
	return len(text), 0
}

// chain is the first anchor that may have a gram of a hash, as a number in list; 0 is
// none.
func (s *sparks) chain(gram uint64) uint16 { return s.heads[gram&(1<<headBits-1)] }

// begins is where an anchor begins if its gram, of this hash, stands at i; -1 if it
// does not.
func (a *anchor) begins(text []byte, i int, hash uint64) int {
	start := i - a.at
	if a.hash != hash || start < 0 || start+len(a.text) > len(text) || !alikeLow(text[start:start+len(a.text)], a.text) {
		return -1
	}
	return start
}

func alikeLow(s []byte, low string) bool {
	for i := range len(low) {
		if s[i]|0x20 != low[i] {
			return false
		}
	}
	return true
}
