package approval

import (
	"encoding/binary"
	"errors"
	"time"
)

// layout is the first byte of every row, so that a later layout can be told.
const layout = 1

// Texts of a row are cut to this many bytes, so that lists stay quick.
const (
	maxName  = 1024
	maxShown = 4096
	maxTexts = 16
)

var errLayout = errors.New("not a row of this version")

// encode writes a request but for what only Get gives. It is no JSON because ten
// thousand of these are read to list them.
func encode(r *Request) []byte {
	b := make([]byte, 0, 512)
	b = append(b, layout)
	for _, s := range r.names() {
		b = appendText(b, *s, maxName)
	}
	for _, s := range r.shown() {
		b = appendText(b, *s, maxShown)
	}
	for _, list := range r.lists() {
		n := min(len(*list), maxTexts)
		b = binary.AppendUvarint(b, uint64(n))
		for _, s := range (*list)[:n] {
			b = appendText(b, s, maxName)
		}
	}
	for _, t := range r.times() {
		b = appendTime(b, *t)
	}
	return append(b, r.identity[:]...)
}

// decode reads what encode wrote into an empty request; anything else is an error.
func decode(b []byte, r *Request) error {
	d := decoder{rest: string(b)} // one copy, of which all texts are parts
	if d.byte() != layout {
		return errLayout
	}
	for _, s := range r.names() {
		*s = d.text()
	}
	for _, s := range r.shown() {
		*s = d.text()
	}
	for _, list := range r.lists() {
		n := d.uvarint()
		if n > maxTexts {
			return errLayout
		}
		if n > 0 {
			*list = make([]string, n)
		}
		for i := range *list {
			(*list)[i] = d.text()
		}
	}
	for _, t := range r.times() {
		*t = d.time()
	}
	copy(r.identity[:], d.take(len(r.identity)))
	if d.bad || len(d.rest) > 0 {
		return errLayout
	}
	return nil
}

// names are texts that the house makes, and so short, or that must be whole.
func (r *Request) names() [16]*string {
	return [...]*string{
		&r.ID, (*string)(&r.State), &r.Principal, &r.Session, &r.Upstream, &r.Method, &r.Effect,
		&r.By, &r.Channel, &r.Answer, &r.Call, &r.UsedBy, &r.Policy, &r.Definition, &r.Arguments, &r.Client,
	}
}

// shown are texts that are only shown.
func (r *Request) shown() [2]*string { return [...]*string{&r.Target, &r.Reason} }

func (r *Request) lists() [3]*[]string { return [...]*[]string{&r.Why, &r.Channels, &r.Warnings} }

func (r *Request) times() [3]*time.Time { return [...]*time.Time{&r.Created, &r.Expires, &r.Decided} }

func appendText(b []byte, s string, most int) []byte {
	s = cut(s, most)
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// appendTime writes microseconds; a zero time is far before all others.
func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return binary.AppendVarint(b, never)
	}
	return binary.AppendVarint(b, t.UnixMicro())
}

const never = -1 << 62

// decoder takes values off rest. After the first that is not there it is bad and
// gives zero values.
type decoder struct {
	rest string
	bad  bool
}

func (d *decoder) take(n int) string {
	if d.bad || n < 0 || n > len(d.rest) {
		d.bad = true
		return ""
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) byte() byte {
	if b := d.take(1); b != "" {
		return b[0]
	}
	return 0
}

// uvarint is [binary.Uvarint] over a string.
func (d *decoder) uvarint() (v uint64) {
	for i := range binary.MaxVarintLen64 {
		if i == len(d.rest) || i == binary.MaxVarintLen64-1 && d.rest[i] > 1 {
			break
		}
		b := d.rest[i]
		v |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			d.rest = d.rest[i+1:]
			return v
		}
	}
	d.bad = true
	return 0
}

func (d *decoder) text() string {
	n := d.uvarint()
	if n > uint64(len(d.rest)) {
		d.bad = true
		return ""
	}
	return d.take(int(n))
}

func (d *decoder) time() time.Time {
	u := d.uvarint()
	v := int64(u>>1) ^ -int64(u&1) // as binary.Varint reads it
	if d.bad || v == never {
		return time.Time{}
	}
	return time.UnixMicro(v).UTC()
}
