package config

import ostiary "github.com/ostiary/ostiary"

// Untrusted says how text from outside is told from the operator's.
type Untrusted struct {
	// Mark is the style; see ostiary.OutputRule.
	Mark string
	// Signals is what becomes of what reads like an instruction.
	Signals Signals
	// Off leaves everything as it came (dangerously_unmarked).
	Off bool
}

// Signals are about what the detector says.
type Signals struct {
	// BlockAt withholds what scores at least so high; 0 never does.
	BlockAt float64
}

// markStyles are the styles; markOff is none of them.
func markStyles() []string {
	return []string{"fence", "user_content", "bracket", "datamark", "base64"}
}

const markOff = "off"

func untrustedKind() kind[Untrusted] {
	return object("untrusted", nil, nil,
		key("mark", word(markStyles()...), func(u *Untrusted) *string { return &u.Mark },
			"How text from a source that nobody vouched for is marked: `fence` (a block that cannot be closed from inside), `user_content`, `bracket`, `datamark` (a character between the words) or `base64`. "+
				"A rule's `output: {mark: …}` differs for its tools. Default: `fence`."),
		key("signals", object("signals", nil, nil,
			key("block_at", share(), func(s *Signals) *float64 { return &s.BlockAt },
				"Withholds what the detector scores at least so high, from 0 to 1; `0` never does. It is a signal and no barrier: it misses attacks and blocks honest text. Default: `0`."),
		), func(u *Untrusted) *Signals { return &u.Signals },
			"What becomes of text that reads like an instruction, beside being recorded and shown to the person who is asked."),
		key("dangerously_unmarked", boolean(), func(u *Untrusted) *bool { return &u.Off },
			"`true`: nothing from outside is marked, made visible or looked at for instructions, whatever rules say."),
	)
}

// outputKind reads how what comes back for a target is treated.
func outputKind() kind[ostiary.OutputRule] {
	type rule = ostiary.OutputRule
	trust := word("trusted", "untrusted")
	return object("output", nil, nil,
		key("trust", mapped(trust, func(s string) bool { return s == "trusted" }), func(o *rule) *bool { return &o.Trusted },
			"`trusted`: you vouch for the source, so that its text is not marked. It is redacted all the same. Default: `untrusted`."),
		key("mark", word(append(markStyles(), markOff)...), func(o *rule) *string { return &o.Mark },
			"The style, where it differs from `untrusted.mark`; `off` leaves the text unmarked, though it stays untrusted and is looked at."),
		key("secrets", word(redactModes()...), func(o *rule) *string { return &o.Secrets },
			"What is done with a secret whatever its own rule says: `redact`, `block` or `report`."),
		key("block_at", share(), func(o *rule) *float64 { return &o.BlockAt },
			"Withholds what the detector scores at least so high. Default: as in `untrusted.signals`."),
		key("max", size(1<<10, 256<<20), func(o *rule) *int { return &o.MaxBytes },
			"The most that comes back, marks not counted. Default: `redact.max_result`."),
		later[rule]("confidentiality", "information flow: labels of results"),
	)
}
