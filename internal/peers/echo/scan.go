package echo

// members calls f for each member of the JSON object at the start of b, with the
// key's bytes (without quotes, escapes as they stand) and the value's. It trusts
// its peer: what is not a well-formed object simply ends the walk.
func members(b []byte, f func(key, value []byte)) {
	i := blank(b, 0)
	if i >= len(b) || b[i] != '{' {
		return
	}
	for i = blank(b, i+1); i < len(b) && b[i] == '"'; i = blank(b, i+1) {
		end := value(b, i)
		if end < i+2 {
			return
		}
		key := b[i+1 : end-1]
		i = blank(b, end)
		if i >= len(b) || b[i] != ':' {
			return
		}
		start := blank(b, i+1)
		end = value(b, start)
		if end <= start {
			return
		}
		f(key, b[start:end])
		i = blank(b, end)
		if i >= len(b) || b[i] != ',' {
			return
		}
	}
}

// value returns the index behind the JSON value that starts at i.
func value(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
			i++
		case '{', '[':
			depth++
			i++
			continue
		case '}', ']':
			depth--
			i++
		case ',', ':', ' ', '\t', '\r', '\n':
			i++
			continue
		default:
			for i < len(b) && !delimiter(b[i]) {
				i++
			}
		}
		if depth <= 0 {
			break
		}
	}
	return min(i, len(b))
}

func delimiter(c byte) bool {
	return c == ',' || c == '}' || c == ']' || c == ' ' || c == '\t' || c == '\r' || c == '\n'
}

func blank(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\r' || b[i] == '\n') {
		i++
	}
	return i
}
