package wire

// TextWalk goes over the string literals of one JSON value, keys and values, in
// their order, and skips everything else. It allocates by the depth of the value,
// not by its length.
//
//	for w := wire.Texts(body); w.Next(); {
//		if !w.IsKey() && string(w.Key()) == "text" {
//			use(body[w.Start():w.End()])
//		}
//	}
//
// It does not check what it goes over: of bytes that are no JSON it finds what
// stands between quotation marks, in linear time. It belongs to one goroutine, and
// body must not change meanwhile.
type TextWalk struct {
	body       []byte
	i          int // everything before was read
	start, end int
	seen       Seen
	plain      []byte   // what the literal means
	reading    *Reading // nil if nobody wants to know
	isKey      bool
	due        bool // the next literal of the innermost object is a key
	begun      bool // Begin went to a literal whose end is not known yet
	open       int  // how many containers are open
	top        level
	outer      []level // the containers around top, the outermost first
}

// level is one open container.
type level struct {
	start, index   int // where it begins; how many commas it had so far
	keyFrom, keyTo int // the inside of its last key; both 0 before the first
	near           int // how deep the innermost object is that it is or stands in; 0 if there is none
	object         bool
}

// Texts begins a walk over the string literals of a JSON value.
func Texts(body []byte) TextWalk { return TextWalk{body: body} }

// structural are the bytes outside of strings that a walk must look at.
var structural = [256]bool{'"': true, '{': true, '}': true, '[': true, ']': true, ',': true}

// Over begins another walk, in the room of this one.
func (w *TextWalk) Over(body []byte) { *w = TextWalk{body: body, outer: w.outer[:0]} }

// Next goes to the next literal. It is false behind the last, and where a literal
// has no end.
func (w *TextWalk) Next() bool { return w.Begin() && w.Finish() }

// Finish looks for the end of the literal that Begin went to. It is false if there
// is none.
func (w *TextWalk) Finish() bool {
	var end int
	var seen Seen
	if w.reading == nil {
		end, seen = literalEnd(w.body, w.i)
	} else {
		end, seen, w.plain = w.reading.note(w.i)
	}
	w.Ends(end)
	w.seen = seen
	return end >= 0
}

// Ends says where the literal ends that Begin went to, closing quotation mark
// included: whoever reads it finds out, and saves the walk to read it too. What
// stands in it the walk has not Seen then. Below 0 it has no end, and the walk is over.
func (w *TextWalk) Ends(end int) {
	w.begun, w.seen = false, 0
	if end < 0 {
		w.i = len(w.body)
		return
	}
	w.end, w.i = end, end
	if w.isKey {
		w.top.keyFrom, w.top.keyTo = w.start+1, end-1
	}
}

// Begin goes to the next literal and does not look for its end, which must be found
// by Finish or told by Ends before anybody asks for it. It is false behind the last.
func (w *TextWalk) Begin() bool {
	if w.begun && !w.Finish() {
		return false
	}
	b := w.body
	for i := w.i; i < len(b); i++ {
		c := b[i]
		if !structural[c] {
			continue
		}
		switch c {
		case '"':
			w.start, w.i, w.begun = i, i+1, true
			w.isKey, w.due = w.due, false
			return true
		case ',':
			w.top.index++
			w.due = w.top.object
		case '{', '[':
			if w.open++; w.open > 1 {
				w.outer = append(w.outer, w.top)
			}
			near := w.top.near
			if w.due = c == '{'; w.due {
				near = w.open
			}
			w.top = level{start: i, near: near, object: w.due}
		default:
			w.leave()
		}
	}
	w.i = len(b)
	return false
}

func (w *TextWalk) leave() {
	w.due = false
	switch {
	case w.open > 1:
		w.top, w.outer = w.outer[len(w.outer)-1], w.outer[:len(w.outer)-1]
		w.open--
	case w.open == 1:
		w.top, w.open = level{}, 0
	}
}

// Start and End are where the literal lies in the body, its quotation marks
// included.
func (w *TextWalk) Start() int { return w.start }

// End is the offset behind the closing quotation mark.
func (w *TextWalk) End() int { return w.end }

// Seen is what stands in the literal.
func (w *TextWalk) Seen() Seen { return w.seen }

// Plain is what the literal means, as AppendInside has it, if Read was called before.
// It holds until Next.
func (w *TextWalk) Plain() []byte { return w.plain }

// IsKey reports whether the literal is the key of a member.
func (w *TextWalk) IsKey() bool { return w.isKey }

// Depth is how many containers are open around the literal.
func (w *TextWalk) Depth() int { return w.open }

// Container is where the innermost object or array begins that holds the literal;
// it is false where there is none.
func (w *TextWalk) Container() (start int, object, ok bool) {
	return w.top.start, w.top.object, w.open > 0
}

// Key is the inside of the key that the literal stands under, as it is written:
// that of its member, for an item of an array that of the array, for a key itself.
// It is nil where there is none.
func (w *TextWalk) Key() []byte {
	if w.top.near == 0 {
		return nil
	}
	l := w.level(w.top.near)
	return w.body[l.keyFrom:l.keyTo:l.keyTo]
}

// KeyDepth is how deep the object is whose key Key is, the root being 1; 0 where there is
// none.
func (w *TextWalk) KeyDepth() int { return w.top.near }

// Step is how the way to the literal goes on from the container at a depth, the
// root being 1 and the innermost w.Depth(): by a key, as it is written, or, if key
// is nil, by the index of an item.
func (w *TextWalk) Step(depth int) (key []byte, index int) {
	l := w.level(depth)
	if l.object {
		return w.body[l.keyFrom:l.keyTo:l.keyTo], 0
	}
	return nil, l.index
}

func (w *TextWalk) level(depth int) *level {
	if depth == w.open {
		return &w.top
	}
	return &w.outer[depth-1]
}
