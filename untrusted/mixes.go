package untrusted

import "unicode/utf8"

// mixes reads a word on from its first letter of Greek, Cyrillic or Armenian, at i. It
// returns what stands behind it; it is not ok, and what it read is as good as unread,
// where the word also has Latin letters, or characters that are not calm. As many
// bytes were decoded before it as n says.
func (k *look) mixes(b []byte, i, n int) (next, decoded int, ok bool) {
	out, word := k.room, word(0)
	for at := n; at > 0; { // what the word begins with
		r, size := rune(out[at-1]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeLastRune(out[:at])
		}
		if word.ends(r) {
			break
		}
		word.add(r)
		at -= size
	}
	next, decoded = i, n
	for next+1 < len(b) {
		c := b[next]
		if c >= 0xcd && c <= 0xd6 {
			if of := alphabets[letterOf(b[next:])]; of != 0 {
				if of == wordEnds {
					break
				}
				word |= of
				out[decoded], out[decoded+1] = c, b[next+1]
				next, decoded = next+2, decoded+2
				continue
			}
		}
		if c < utf8.RuneSelf {
			if word.ends(rune(c)) {
				break
			}
			word.add(rune(c))
			out[decoded] = c
			next, decoded = next+1, decoded+1
			continue
		}
		r, size := utf8.DecodeRune(b[next:])
		if word.ends(r) {
			break
		}
		if calmRune(b[next:]) != size {
			return i, n, false
		}
		word.add(r)
		copy(out[decoded:], b[next:next+size])
		next, decoded = next+size, decoded+size
	}
	if next == i { // it ends words itself
		out[n], out[n+1] = b[i], b[i+1]
		return i + 2, n + 2, true
	}
	return next, decoded, !word.mixed()
}

// wordEnds stands in alphabets for a character that belongs to no word.
const wordEnds word = 1 << 7

// letterOf is the number of a character of two bytes in alphabets.
func letterOf(b []byte) int { return int(b[0]-0xcd)<<6 | int(b[1]&0x3f) }

// alphabets says to which alphabets the letters from U+0340 to U+05BF belong; it is
// 0 for what is no matter of mixes. It is never written to.
var alphabets = func() (table [0x280]word) {
	for r := rune(0x370); r < 0x590; r++ {
		var w word
		if w.ends(r) {
			w = wordEnds
		} else if w.add(r); w == 0 {
			w = wordOther
		}
		table[r-0x340] = w
	}
	return table
}()
