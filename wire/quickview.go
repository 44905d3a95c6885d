package wire

// quickly reads the whole of p.raw as value does; if it returns false, nothing is
// known.
func (p *parser) quickly() bool {
	q := quick{b: p.raw}
	var k keySet
	if _, ok := p.quickValue(&q, &k, inEnvelope, 1); !ok {
		return false
	}
	q.space()
	return q.i == len(q.b)
}

func (p *parser) quickValue(q *quick, k *keySet, at place, depth int) (s span, ok bool) {
	switch q.peek() {
	case '{':
		return p.quickObject(q, k, at, depth)
	case '[':
		return p.quickArray(q, k, at.inside(), depth)
	case '"':
		s.start = q.i
		_, _, ok = q.str()
	default:
		s.start = q.i
		ok = q.scalar()
	}
	s.end = q.i
	return s, ok
}

func (p *parser) quickArray(q *quick, k *keySet, at place, depth int) (s span, ok bool) {
	s.start = q.i
	q.i++
	if depth > p.maxDepth {
		return s, false
	}
	for first := true; !q.eat(']'); first = false {
		if !first && !q.eat(',') {
			return s, false
		}
		if _, ok := p.quickValue(q, k, at, depth+1); !ok {
			return s, false
		}
	}
	s.end = q.i
	return s, true
}

func (p *parser) quickObject(q *quick, k *keySet, at place, depth int) (s span, ok bool) {
	s.start = q.i
	q.i++
	if depth > p.maxDepth {
		return s, false
	}
	keys := k.open()
	folds := at.folds()
	for first := true; !q.eat('}'); first = false {
		if !first && !q.eat(',') {
			return s, false
		}
		name, escaped, ok := q.str()
		if !ok || escaped || !q.eat(':') {
			return s, false
		}
		key, twin := k.add(&keys, name, folds)
		if twin {
			return s, false
		}
		where, word, next := at.lookup(key)
		if where == noSlot {
			p.resultTwin = p.resultTwin || at.isTwin(key)
		} else if folds && string(name[1:len(name)-1]) != word {
			return s, false
		}
		if at == inParams {
			p.params++
		}
		val, ok := p.quickValue(q, k, next, depth+1)
		if !ok {
			return s, false
		}
		p.found[where] = val
	}
	k.close(keys)
	s.end = q.i
	return s, true
}
