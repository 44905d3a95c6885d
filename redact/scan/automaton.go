package scan

import "slices"

// automaton finds the words of all rules in one pass, whatever the case of their
// ASCII letters: an Aho-Corasick machine with every transition written out, over
// classes of bytes. Four parts of a block go through it side by side, because one
// alone spends its time waiting for the row of the next state. Rows are as small as
// may be, so that those which ordinary text comes to stay in the nearest cache.
type automaton struct {
	class   [256]byte // of a byte; the same for both cases of a letter
	shift   uint      // the row of a state begins at its number << shift
	table   []uint16  // the next state, by state and class
	final   uint16    // the bit that only states have in which words end
	longest int
	ends    [][]int32 // by number of a final state: the words that end there, the longest first
}

// rowBits is the usual shift: words in ASCII that are names and signs have fewer
// classes. Where there are more, the parts do not go side by side.
const rowBits = 6

// newAutomaton builds the machine for lower-case words, none of them empty; false if
// they are too many.
func newAutomaton(words []string) (*automaton, bool) {
	a := &automaton{}
	classes := 1
	for _, w := range words {
		a.longest = max(a.longest, len(w))
		for i := range len(w) {
			if c := w[i]; a.class[c] == 0 {
				a.class[c] = byte(classes)
				if c >= 'a' && c <= 'z' {
					a.class[c-'a'+'A'] = byte(classes)
				}
				classes++
			}
		}
	}
	for a.shift = rowBits; 1<<a.shift < classes; {
		a.shift++
	}
	t := newTrie(words, &a.class, classes)
	t.link()
	return a, a.number(t)
}

// trie is the machine while it is built; rows by number of a node, 0 is the root.
type trie struct {
	next [][]int32 // -1 where nothing follows, until it is linked
	ends [][]int32
	all  int // classes
}

func newTrie(words []string, class *[256]byte, classes int) *trie {
	t := &trie{all: classes}
	t.add()
	for n, w := range words {
		at := int32(0)
		for i := range len(w) {
			c := class[w[i]]
			if t.next[at][c] < 0 {
				t.next[at][c] = t.add()
			}
			at = t.next[at][c]
		}
		t.ends[at] = append(t.ends[at], int32(n))
	}
	return t
}

func (t *trie) add() int32 {
	row := make([]int32, t.all)
	for i := range row {
		row[i] = -1
	}
	t.next = append(t.next, row)
	t.ends = append(t.ends, nil)
	return int32(len(t.next) - 1)
}

// link makes every transition lead somewhere, breadth first: where a word does not
// go on, its longest end that begins another one does.
func (t *trie) link() {
	fail := make([]int32, len(t.next))
	var queue []int32
	for c, n := range t.next[0] {
		if n < 0 {
			t.next[0][c] = 0
			continue
		}
		queue = append(queue, n)
	}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		t.ends[at] = append(t.ends[at], t.ends[fail[at]]...)
		for c, n := range t.next[at] {
			follow := t.next[fail[at]][c]
			if n < 0 {
				t.next[at][c] = follow
				continue
			}
			fail[n] = follow
			queue = append(queue, n)
		}
	}
}

// number lays the rows out so that one bit tells the final states; false if there are
// more than a state has numbers.
func (a *automaton) number(t *trie) bool {
	number := make([]uint32, len(t.next))
	plain, final := uint32(0), uint32(0)
	for i, words := range t.ends {
		if len(words) == 0 {
			number[i] = plain
			plain++
		}
	}
	first := uint32(1)
	for first < plain {
		first <<= 1
	}
	for i, words := range t.ends {
		if len(words) > 0 {
			number[i] = first | final
			a.ends = append(a.ends, words)
			final++
		}
	}
	for first < final { // the numbers of final states must not carry into the bit
		first <<= 1
		for i := range number {
			if len(t.ends[i]) > 0 {
				number[i] = number[i]&(first>>1-1) | first
			}
		}
	}
	if first+final > 1<<16 {
		return false
	}
	a.final = uint16(first)
	a.table = make([]uint16, int(first+final)<<a.shift)
	for i, row := range t.next {
		at := int(number[i]) << a.shift
		for c, n := range row {
			a.table[at+c] = uint16(number[n])
		}
	}
	return true
}

// place is the number of a final state.
func (a *automaton) place(state uint16) int { return int(state &^ a.final) }

// next is the state behind a byte.
func (a *automaton) next(state uint16, c byte) uint16 {
	return a.table[uint(state)<<a.shift+uint(a.class[c])]
}

// hit is a place behind the last byte of one or more words.
type hit struct {
	end   int
	state uint16
}

// lanes are the hits of four parts of a text, each in its order.
type lanes [4][]hit

// search finds the places in s[from:to] behind which words end, of which there are a
// block at most. It takes four quarters side by side; each begins as far before its
// own part as the longest word reaches back.
func search[T string | []byte](a *automaton, found *lanes, s T, from, to int) *lanes {
	for k := range found {
		found[k] = found[k][:0]
	}
	const small = 256
	table, class, final := a.table, &a.class, a.final
	if to-from < small || a.shift != rowBits {
		found[0] = part(a, found[0], s, from, to)
		return found
	}
	if to-from == block {
		return blockOf(a, found, s, from)
	}
	n := (to - from) / 4
	p0, p1, p2, p3 := s[from:from+n], s[from+n:from+2*n], s[from+2*n:from+3*n], s[from+3*n:from+4*n]
	s0, s1, s2, s3 := warm(a, s, from), warm(a, s, from+n), warm(a, s, from+2*n), warm(a, s, from+3*n)
	for i := 0; i < len(p0) && i < len(p1) && i < len(p2) && i < len(p3); i++ {
		s0 = table[uint(s0)<<rowBits+uint(class[p0[i]])]
		s1 = table[uint(s1)<<rowBits+uint(class[p1[i]])]
		s2 = table[uint(s2)<<rowBits+uint(class[p2[i]])]
		s3 = table[uint(s3)<<rowBits+uint(class[p3[i]])]
		if (s0|s1|s2|s3)&final == 0 {
			continue
		}
		found.add(final, from+i+1, n, s0, s1, s2, s3)
	}
	found[3] = part(a, found[3], s, from+4*n, to)
	return found
}

// A block is what is searched at once, before what was found is looked at; with its
// length known, none of its four quarters needs a place or an end of its own.
const (
	quarter = 512
	block   = 4 * quarter
)

// blockOf is search in a whole block.
func blockOf[T string | []byte](a *automaton, found *lanes, s T, from int) *lanes {
	table, class, final := a.table, &a.class, uint(a.final)
	p := s[from : from+block]
	s0, s1 := uint(warm(a, s, from)), uint(warm(a, s, from+quarter)) // as wide as an index, or the loop would widen each
	s2, s3 := uint(warm(a, s, from+2*quarter)), uint(warm(a, s, from+3*quarter))
	for i := range quarter {
		s0 = uint(table[s0<<rowBits+uint(class[p[i]])])
		s1 = uint(table[s1<<rowBits+uint(class[p[i+quarter]])])
		s2 = uint(table[s2<<rowBits+uint(class[p[i+2*quarter]])])
		s3 = uint(table[s3<<rowBits+uint(class[p[i+3*quarter]])])
		if (s0|s1|s2|s3)&final != 0 {
			found.add(a.final, from+i+1, quarter, uint16(s0), uint16(s1), uint16(s2), uint16(s3))
		}
	}
	return found
}

// add takes in what ends in each quarter, of n bytes, with the first at end.
func (l *lanes) add(final uint16, end, n int, s0, s1, s2, s3 uint16) {
	if s0&final != 0 {
		l[0] = append(l[0], hit{end, s0})
	}
	if s1&final != 0 {
		l[1] = append(l[1], hit{end + n, s1})
	}
	if s2&final != 0 {
		l[2] = append(l[2], hit{end + 2*n, s2})
	}
	if s3&final != 0 {
		l[3] = append(l[3], hit{end + 3*n, s3})
	}
}

// part finds what ends in s[from:to].
func part[T string | []byte](a *automaton, found []hit, s T, from, to int) []hit {
	state := warm(a, s, from)
	for i := from; i < to; i++ {
		state = a.next(state, s[i])
		if state&a.final != 0 {
			found = append(found, hit{i + 1, state})
		}
	}
	return found
}

// warm is the state before s[from], of words that end behind it.
func warm[T string | []byte](a *automaton, s T, from int) uint16 {
	state := uint16(0)
	for i := max(0, from-a.longest+1); i < from; i++ {
		state = a.next(state, s[i])
	}
	return state
}

// sortedUnique sorts words and leaves out those that come twice.
func sortedUnique(words []string) []string {
	slices.Sort(words)
	return slices.Compact(words)
}
