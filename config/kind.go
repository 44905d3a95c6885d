package config

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	ostiary "github.com/ostiary/ostiary"
)

// A shape describes one kind of value. The decoder, the JSON Schema and the
// reference are all made from it, so that they cannot say different things.
type shape struct {
	// name is what a person calls such a value: "a duration such as 30s".
	name string
	// schema describes a scalar.
	schema map[string]any
	// fields are the keys of an object; title names it.
	fields []fieldShape
	title  string
	// oneOf are keys of which exactly one must be there.
	oneOf []string
	// item is what a list or a mapping with free keys holds.
	item, values *shape
	keyName      string
	// empty says that a list or mapping may be empty, null that it may be left
	// without a value.
	empty, null bool
	// brief is the short form of a value that also has a long one.
	brief *shape
}

type fieldShape struct {
	key, doc string
	required bool
	// layer names what the key belongs to where that is not built yet.
	layer string
	shape *shape
}

// A kind is a shape and how to read it into a T.
type kind[T any] struct {
	*shape
	decode func(d *decoder, n ast.Node, out *T)
}

// A field is one key of an object that is read into an S.
type field[S any] struct {
	fieldShape
	decode func(d *decoder, n ast.Node, out *S)
}

// key makes a field.
func key[S, T any](name string, k kind[T], at func(*S) *T, doc string) field[S] {
	return field[S]{
		fieldShape: fieldShape{key: name, doc: doc, shape: k.shape},
		decode:     func(d *decoder, n ast.Node, out *S) { k.decode(d, n, at(out)) },
	}
}

// must marks a field as one that has to be there.
func must[S any](f field[S]) field[S] {
	f.required = true
	return f
}

// later makes a field whose layer is not built yet.
func later[S any](name, layer string) field[S] {
	return field[S]{fieldShape: fieldShape{key: name, layer: layer, shape: &shape{name: "nothing yet"}}}
}

// object reads a mapping with known keys.
func object[T any](title string, oneOf []string, check func(d *decoder, at Pos, v *T), fields ...field[T]) kind[T] {
	s := &shape{name: "a mapping (" + title + ")", title: title, oneOf: oneOf}
	byKey := make(map[string]field[T], len(fields))
	var known, built []string
	for _, f := range fields {
		s.fields = append(s.fields, f.fieldShape)
		byKey[f.key] = f
		known = append(known, f.key)
		if f.layer == "" {
			built = append(built, f.key)
		}
	}
	return kind[T]{s, func(d *decoder, n ast.Node, out *T) {
		if _, null := n.(*ast.NullNode); null {
			d.fail(n, "nothing is written here: give %s, {} for one without keys, or remove the key", s.name)
			return
		}
		pairs, ok := d.pairs(n, s.name)
		if !ok {
			return
		}
		at, before := nodePos(n), d.failed()
		var present []string
		for _, p := range pairs {
			name := keyText(p.Key)
			f, ok := byKey[name]
			switch {
			case !ok:
				d.fail(p.Key, "unknown key %q in %s%s", brief(name), title, suggest(name, known, built))
			case f.layer != "":
				d.failCode(ostiary.CodeConfigLayer, nodePos(p.Key),
					name+": this layer is not built yet ("+f.layer+"); remove the key to run without it")
			default:
				present = append(present, name)
				f.decode(d, p.Value, out)
			}
		}
		if d.failed() > before {
			return // what is missing may be what was misspelt
		}
		d.checkPresent(at, s, present)
		if check != nil && d.failed() == before {
			check(d, at, out)
		}
	}}
}

func (d *decoder) checkPresent(at Pos, s *shape, present []string) {
	for _, f := range s.fields {
		if f.required && !slices.Contains(present, f.key) {
			d.failAt(at, "%s needs the key %q (%s)", s.title, f.key, f.shape.name)
		}
	}
	if s.oneOf == nil {
		return
	}
	var found []string
	for _, k := range s.oneOf {
		if slices.Contains(present, k) {
			found = append(found, k)
		}
	}
	switch len(found) {
	case 0:
		d.failAt(at, "%s needs one of the keys %s", s.title, orList(s.oneOf))
	case 1:
	default:
		d.failAt(at, "%s has %s: give only one of them", s.title, strings.Join(found, " and "))
	}
}

// list reads a sequence. Where an empty one would silently say something else
// than it seems, it is refused.
func list[T any](item kind[T], empty bool) kind[[]T] {
	s := &shape{name: "a list, each " + item.name, item: item.shape, empty: empty}
	return kind[[]T]{s, func(d *decoder, n ast.Node, out *[]T) {
		seq, ok := n.(*ast.SequenceNode)
		if _, text := n.(*ast.StringNode); text {
			d.fail(n, "expected %s, found %s: write the list in brackets, with commas between its parts", s.name, d.describe(n))
			return
		}
		if !ok {
			d.mismatch(n, s.name)
			return
		}
		if len(seq.Values) == 0 && !empty {
			d.fail(n, "the list is empty: name something or remove the key")
			return
		}
		*out = make([]T, len(seq.Values))
		for i, v := range seq.Values {
			item.decode(d, v, &(*out)[i])
		}
	}}
}

// oneOrMany reads a single value or a list of such.
func oneOrMany[T any](item kind[T]) kind[[]T] {
	many := list(item, false)
	s := *many.shape
	s.name, s.brief = item.name+", or a list of such", item.shape
	return kind[[]T]{&s, func(d *decoder, n ast.Node, out *[]T) {
		if _, ok := n.(*ast.SequenceNode); ok {
			many.decode(d, n, out)
			return
		}
		*out = make([]T, 1)
		item.decode(d, n, &(*out)[0])
	}}
}

// named reads a mapping with free keys into a list in the order of the file.
func named[T any](keyName string, item kind[T], name func(d *decoder, key ast.Node, v *T)) kind[[]T] {
	s := &shape{name: "a mapping from " + keyName + " to " + item.name, values: item.shape, keyName: keyName, empty: true}
	return kind[[]T]{s, func(d *decoder, n ast.Node, out *[]T) {
		pairs, ok := d.pairs(n, s.name)
		if !ok {
			return
		}
		*out = make([]T, len(pairs))
		for i, p := range pairs {
			name(d, p.Key, &(*out)[i])
			item.decode(d, p.Value, &(*out)[i])
		}
	}}
}

// section lets the value be left out, as a person does who has commented out
// all rows.
func section[T any](k kind[T]) kind[T] {
	s := *k.shape
	s.null = true
	return kind[T]{&s, func(d *decoder, n ast.Node, out *T) {
		if _, null := n.(*ast.NullNode); !null {
			k.decode(d, n, out)
		}
	}}
}

// pointer reads a T that may be absent.
func pointer[T any](k kind[T]) kind[*T] {
	return kind[*T]{k.shape, func(d *decoder, n ast.Node, out **T) {
		*out = new(T)
		k.decode(d, n, *out)
	}}
}

// short gives a kind a brief form: a scalar or list where a mapping would say more.
func short[T, U any](long kind[T], b kind[U], set func(*T, U)) kind[T] {
	s := *long.shape
	s.name, s.brief = b.name+", or "+long.name, b.shape
	return kind[T]{&s, func(d *decoder, n ast.Node, out *T) {
		switch n.(type) {
		case *ast.MappingNode, *ast.MappingValueNode:
			long.decode(d, n, out)
		default:
			var v U
			b.decode(d, n, &v)
			set(out, v)
		}
	}}
}

// placed notes where a value begins.
func placed[T any](k kind[T], at func(*T) *Pos) kind[T] {
	return kind[T]{k.shape, func(d *decoder, n ast.Node, out *T) {
		*at(out) = nodePos(n)
		k.decode(d, n, out)
	}}
}
