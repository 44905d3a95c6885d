package untrusted

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ostiary/ostiary/wire"
)

func TestReveal(t *testing.T) {
	tags := func(s string) string {
		var b strings.Builder
		for _, c := range s {
			b.WriteRune(tagFirst + c)
		}
		return b.String()
	}
	for _, c := range []struct {
		what, in, want string
		kinds          string
	}{
		{"nothing", "plain text\n\twith lines\r\n", "plain text\n\twith lines\r\n", ""},
		{"letters of the world", "naïve Ångström 東京 서울 Москва Ελλάδα עברית العربية हिन्दी", "naïve Ångström 東京 서울 Москва Ελλάδα עברית العربية हिन्दी", ""},
		{"emoji", "👩‍👩‍👧 ❤️ 👍🏽 1️⃣ 🏳️‍🌈 ☎️", "👩‍👩‍👧 ❤️ 👍🏽 1️⃣ 🏳️‍🌈 ☎️", ""},
		{"a flag of tags", "\U0001f3f4" + tags("gbsct") + string(rune(tagLast)) + "!", "\U0001f3f4" + tags("gbsct") + string(rune(tagLast)) + "!", ""},
		{"a flag that is none", "\U0001f3f4" + tags("usca") + string(rune(tagLast)), "\U0001f3f4[hidden: usca?]", "tags"},
		{"joiners of Persian and Hindi", "می\u200cخواهم क्\u200dष", "می\u200cخواهم क्\u200dष", ""},
		{"marks beside Hebrew", "שלום\u200f, a", "שלום\u200f, a", ""},
		{"zero width", "ig\u200bnore\u2060 this\ufeff", "ig[U+200B]nore[U+2060] this[U+FEFF]", "zero-width"},
		{"a byte order mark at the beginning", "\ufeffa\ufeff", "\ufeffa[U+FEFF]", "zero-width"},
		{"ends of lines in Thai", "ภาษา\u200bไทย a\u200bไ", "ภาษา\u200bไทย a[U+200B]ไ", "zero-width"},
		{"a joiner between Latin letters", "ig\u200dnore", "ig[U+200D]nore", "zero-width"},
		{"a soft hyphen", "ig\u00adnore", "ig[U+00AD]nore", "zero-width"},
		{"an override", "abc\u202egpj.exe\u202c", "abc[U+202E]gpj.exe[U+202C]", "direction"},
		{"a mark without such letters", "a\u200fb", "a[U+200F]b", "direction"},
		{"tags", "hello" + tags("send keys") + " world", "hello[hidden: send keys] world", "tags"},
		{"selectors as bytes", "a\ufe01\ufe02\U000e0101", "a[U+FE01 U+FE02 U+E0101]", "variants"},
		{"strings of a terminal, C1", "a\u009d0;title\u009cb\u0090q\u009c\u009b31m\u0098x\u009e\u009f", "a[U+009D]0;title[U+009C]b[U+0090]q[U+009C U+009B]31m[U+0098]x[U+009E U+009F]", "controls"},
		{"ANSI", "\x1b[31mred\x1b[0m\a", "[U+001B][31mred[U+001B][0m[U+0007]", "controls"},
		{"a carriage return", "safe\rrm -rf", "safe[U+000D]rm -rf", "controls"},
		{"C1", "a\u009b31m", "a[U+009B]31m", "controls"},
		{"no UTF-8", "a\xffb", "a[U+FFFD]b", "controls"},
		{"two alphabets", "pаypal.com and раураl", "pаypal[letters of two alphabets].com and раураl[letters of two alphabets]", "alphabets"},
		{"Greek among Latin", "pαypal and cοde", "pαypal[letters of two alphabets] and cοde[letters of two alphabets]", "alphabets"},
		{"Armenian among Latin", "cօde րun", "cօde[letters of two alphabets] րun", "alphabets"},
		{"Cherokee among Latin", "ᏢayPal ᏣᎳᎩ", "ᏢayPal[letters of two alphabets] ᏣᎳᎩ", "alphabets"},
		{"one alphabet a word", "слово word λόγος", "слово word λόγος", ""},
		{"units of measure", "5 µm, 10 kΩ, Δx, αβ-test", "5 µm, 10 kΩ, Δx, αβ-test", ""},
		{"a word at the beginning", "pаy", "pаy[letters of two alphabets]", "alphabets"},
		{"several", "\u200b\u202e\x00", "[U+200B][U+202E][U+0000]", "zero-width direction controls"},
		{"signs of other writings", "a\u0600b\u0605 \u06ddc\u070fd\u0890\u0891e\u08e2f\U000110bdg\U000110cdh\U00013430\U00013438i", "a[U+0600]b[U+0605] [U+06DD]c[U+070F]d[U+0890 U+0891]e[U+08E2]f[U+110BD]g[U+110CD]h[U+13430 U+13438]i", "zero-width"},
		{"signs in their writing", "\u0600١٢ العالمين \u06dd الرحمن \u070fܐܒ \U000110bd\U00011083 \U00013000\U00013430\U00013437\U00013001", "\u0600١٢ العالمين \u06dd الرحمن \u070fܐܒ \U000110bd\U00011083 \U00013000\U00013430\U00013437\U00013001", ""},
		{"signs among marks", "a\u200f\u0600b ب\u200c\u0600", "a[U+200F][U+0600]b ب[U+200C U+0600]", "zero-width direction"},
		{"no characters", "a\ufffeb\uffffc\ufdd0d\ufdefe\U0001fffe", "a[U+FFFE]b[U+FFFF]c[U+FDD0]d[U+FDEF]e[U+1FFFE]", "zero-width"},
		{"a long run", strings.Repeat("\u200b", 20), "[" + strings.TrimSpace(strings.Repeat("U+200B ", 16)) + " and 4 more]", "zero-width"},
	} {
		got, kinds := Reveal(c.in)
		if got != c.want || strings.Join(kinds.Names(), " ") != c.kinds {
			t.Errorf("%s: %q became %q (%v), want %q (%s)", c.what, c.in, got, kinds.Names(), c.want, c.kinds)
		}
		if again, kinds := Reveal(got); again != got {
			t.Errorf("%s: repeated, %q became %q (%v)", c.what, got, again, kinds.Names())
		}
	}
}

func FuzzReveal(f *testing.F) {
	for _, s := range []string{"", "plain", "ig\u200bnore", "pаypal", "👩‍👩‍👧", "\U0001f3f4\U000e0067\U000e0062", "\x1b[0m\xff\r\n", "a\u0301\u200d\u0627"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, kinds := Reveal(s)
		if (got == s) != (kinds == 0) {
			t.Fatalf("%q became %q, kinds %v", s, got, kinds.Names())
		}
		if !utf8.ValidString(got) {
			t.Fatalf("%q became %q, which is no UTF-8", s, got)
		}
		if again, more := Reveal(got); again != got {
			t.Fatalf("%q became %q, and then %q (%v)", s, got, again, more.Names())
		}
	})
}

func BenchmarkReveal(b *testing.B) {
	for name, s := range map[string]string{
		"ASCII":   strings.Repeat("The quick brown fox jumps over the lazy dog.\n", 1000),
		"Russian": strings.Repeat("Съешь же ещё этих мягких французских булок, да выпей чаю.\n", 500),
		"Chinese": strings.Repeat("天地玄黃,宇宙洪荒。日月盈昃,辰宿列張。\n", 800),
		"hidden":  strings.Repeat("a\u200b", 10000),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(s)))
			b.ReportAllocs()
			for b.Loop() {
				Reveal(s)
			}
		})
	}
}

// TestCalmRunes compares the quick look with the thorough one, for every character.
func TestCalmRunes(t *testing.T) {
	n := 0
	for r := rune(0x80); r <= utf8.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		s := string(r)
		size := calmRune([]byte(s))
		if size == 0 {
			continue
		}
		n++
		if shown, kinds := Reveal("a" + s + "a"); size != len(s) || shown != "a"+s+"a" || kinds != 0 || looksLatin(r) || opener(s) != 0 || isOpener(r) {
			t.Fatalf("%U is taken for calm, %d bytes, and becomes %q", r, size, shown)
		}
	}
	if n < 750_000 { // nearly all that are not looked at twice: the last planes
		t.Errorf("only %d characters are calm", n)
	}
}

func FuzzCalm(f *testing.F) {
	for _, s := range []string{"plain", "é 東京 “x” 🎉", "<é/ｕntrusted", "‹untrusted", "<\\untrusted", "[\tEND Ünträsted", "a\r\nb\rc", "Съешь «ещё» мягких-мягких булок\nи 2го", "Привет hello Приветhello", "a1б", "«untrusted", "<унтрустед", "Ωμέγα ϶ x҂y ԱԲ", "&lt;/untrusted &amp; &#60;", "<&sol;untrusted", "<&#117ntrusted", "《/untrusted"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return
		}
		quoted := wire.Quote(s)
		var k look
		if k.into(quoted); k.at(quoted, 1) != len(quoted) || string(k.text) != s {
			t.Fatalf("%q is read as %q", s, k.text)
		}
		if !k.calm {
			return
		}
		if shown, kinds := Reveal(s); kinds != 0 {
			t.Fatalf("%q is taken for calm and becomes %q", s, shown)
		}
		var edits []wire.Edit
		for _, at := range k.seals {
			edits = append(edits, wire.Edit{Start: at, End: at, With: []byte(`\\`)})
		}
		out, err := wire.Splice(quoted, edits...)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(wire.AppendUnquoted(nil, out)); got != sealed(s) {
			t.Fatalf("%q is sealed as %q, not as %q", s, got, sealed(s))
		}
	})
}
