package pin

import (
	"slices"
	"strings"
	"unicode"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/internal/visible"
)

// Likeness says how a tool passes for another server's.
type Likeness string

// The likenesses.
const (
	Lookalike Likeness = "lookalike" // letters that look alike
	Equal     Likeness = "equal"     // the same name
	Similar   Likeness = "similar"   // the same but for case and separators
	Near      Likeness = "near"      // one letter is another one
	Speaks    Likeness = "speaks"    // its description speaks of the other's tool
)

// Shadow is a tool of another server that a tool passes for.
type Shadow struct {
	How      Likeness `json:"how"`
	Upstream string   `json:"upstream"`
	Tool     string   `json:"tool"`
}

// String says it for people.
func (s Shadow) String() string {
	name := visible.Line(s.Upstream+"/"+s.Tool, 200)
	switch s.How {
	case Lookalike:
		return "its name looks like that of " + name
	case Equal:
		return "its name is also that of " + name
	case Similar:
		return "its name is that of " + name + " but for case and separators"
	case Near:
		return "its name is nearly that of " + name
	case Speaks:
	}
	return "its description speaks of " + name
}

// refuses reports whether a tool with such a shadow waits for a person.
func (o Shadowing) refuses(s Shadow) bool {
	if o == RefuseShadows {
		return s.How != Near
	}
	return s.How == Lookalike
}

// shadowsMost is how many shadows one tool has; nearMost up to how many tools of
// others names are compared one by one.
const (
	shadowsMost = 8
	nearMost    = 2000
	nearLeast   = 8 // letters of a name
)

// neighbours are the tools of all other servers.
type neighbours struct {
	exact, skeletons, loose map[string]Shadow
	names                   []Shadow // those that are compared one by one
	spoken                  map[string]Shadow
}

func neighboursOf(tx ostiary.Tx, upstream string) (*neighbours, error) {
	n := &neighbours{exact: map[string]Shadow{}, skeletons: map[string]Shadow{}, loose: map[string]Shadow{}, spoken: map[string]Shadow{}}
	for r, err := range tx.List(bucket, ostiary.Query{}) {
		if err != nil {
			return nil, err
		}
		one, err := read(r)
		if err != nil {
			return nil, err
		}
		if one.Kind != KindTool || one.Upstream == upstream || len(one.Accepted) == 0 {
			continue
		}
		n.add(Shadow{Upstream: one.Upstream, Tool: one.Name})
	}
	return n, nil
}

func (n *neighbours) add(s Shadow) {
	n.exact[s.Tool] = s
	n.skeletons[skeleton(s.Tool)] = s
	n.loose[loosened(s.Tool)] = s
	if len(n.names) < nearMost && len(s.Tool) >= nearLeast {
		n.names = append(n.names, s)
	}
	if telling(s.Tool) {
		n.spoken[s.Tool] = s
	}
}

// shadows are the tools that one with this name and text passes for.
func (n *neighbours) shadows(name string, text []byte) []Shadow {
	var found []Shadow
	add := func(s Shadow, how Likeness) {
		s.How = how
		if len(found) < shadowsMost && !slices.ContainsFunc(found, func(o Shadow) bool { return o.Upstream == s.Upstream && o.Tool == s.Tool }) {
			found = append(found, s)
		}
	}
	if s, ok := n.exact[name]; ok {
		add(s, Equal)
	} else if s, ok := n.loose[loosened(name)]; ok {
		add(s, Similar)
	} else if s, ok := n.skeletons[skeleton(name)]; ok {
		add(s, Lookalike)
	} else if len(name) >= nearLeast {
		for _, s := range n.names {
			if near(name, s.Tool) {
				add(s, Near)
			}
		}
	}
	if len(n.spoken) == 0 {
		return found
	}
	v, _ := decode(string(text))
	m, _ := v.(map[string]any)
	description, _ := m["description"].(string)
	for _, word := range strings.FieldsFunc(description, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != '-'
	}) {
		if s, ok := n.spoken[strings.Trim(word, "-_")]; ok && s.Tool != name {
			add(s, Speaks)
		}
	}
	return found
}

// telling reports whether a name is no word of ordinary text: it has a separator or
// a capital inside.
func telling(name string) bool {
	if len(name) < 6 {
		return false
	}
	return strings.ContainsAny(name, "_-") || strings.ContainsFunc(name[1:], unicode.IsUpper)
}

// loosened is a name without case and separators.
func loosened(name string) string {
	return strings.NewReplacer("_", "", "-", "", ".", "", " ", "", "/", "").Replace(strings.ToLower(name))
}

// skeleton is a name as the eye reads it: what looks alike is the same.
func skeleton(name string) string {
	s := strings.ToLower(visible.Skeleton(strings.NewReplacer("I", "l", "1", "l", "|", "l", "0", "o").Replace(name)))
	return loosened(strings.NewReplacer("rn", "m", "vv", "w").Replace(s))
}

// near reports whether one letter is another one, or two stand the other way round.
func near(a, b string) bool {
	if len(a) != len(b) || a == b {
		return false
	}
	var at []int
	for i := range len(a) {
		if a[i] != b[i] {
			if at = append(at, i); len(at) > 2 {
				return false
			}
		}
	}
	if len(at) == 1 { // search_v1 and search_v2 are no pair of that kind
		return !isDigit(a[at[0]]) || !isDigit(b[at[0]])
	}
	return at[1] == at[0]+1 && a[at[0]] == b[at[1]] && a[at[1]] == b[at[0]]
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
