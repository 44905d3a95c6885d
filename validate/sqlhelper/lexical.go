package sqlhelper

import (
	"encoding/binary"
	"errors"
	"strings"
)

var errTokens = errors.New("the tokens of the text cannot be read")

// lexical reads the tokens of a text before it is parsed: how deep its tree can
// get, and what in it another reader of PostgreSQL could take for something else:
// a backslash in a plain string, which ends or escapes depending on the server's
// standard_conforming_strings, and comments that other programs execute. tokens is
// the scanner's protobuf (pg_query.ScanResult).
func lexical(text string, tokens []byte) (ambiguous []string, depth int, err error) {
	meter := newDepthMeter()
	err = eachField(tokens, func(num int, token []byte) error {
		if num != 2 {
			return nil
		}
		var start, end uint64
		var kind keywordKind
		err := eachVarint(token, func(num int, v uint64) {
			switch num {
			case 1:
				start = v
			case 2:
				end = v
			case 5:
				kind = keywordKind(v)
			}
		})
		if err != nil || start >= end || end > uint64(len(text)) {
			return errTokens
		}
		tok := text[start:end]
		meter.token(tok, kind)
		if why := ambiguousToken(tok); why != "" {
			ambiguous = append(ambiguous, why)
		}
		return nil
	})
	return ambiguous, meter.depth(), err
}

func ambiguousToken(tok string) string {
	switch {
	case strings.HasPrefix(tok, "'"), strings.HasPrefix(tok, "n'"), strings.HasPrefix(tok, "N'"):
		if strings.Contains(tok, `\`) {
			return `a backslash in a plain string: write E'…\\…', because what a backslash means in '…' depends on the server`
		}
	case strings.HasPrefix(tok, "/*!"), strings.HasPrefix(tok, "/*+"):
		return "a comment that some programs execute (/*! or /*+)"
	}
	return ""
}

// eachField calls f for every length-delimited field of a protobuf message and
// skips plain numbers; other wire types do not occur in a ScanResult.
func eachField(b []byte, f func(num int, data []byte) error) error {
	for len(b) > 0 {
		tag, n := binary.Uvarint(b)
		if n <= 0 {
			return errTokens
		}
		b = b[n:]
		v, n := binary.Uvarint(b)
		if n <= 0 {
			return errTokens
		}
		b = b[n:]
		switch tag & 7 {
		case 0:
		case 2:
			if v > uint64(len(b)) {
				return errTokens
			}
			if err := f(int(tag>>3), b[:v]); err != nil {
				return err
			}
			b = b[v:]
		default:
			return errTokens
		}
	}
	return nil
}

// eachVarint calls f for every number of a message that holds only numbers.
func eachVarint(b []byte, f func(num int, v uint64)) error {
	for len(b) > 0 {
		tag, n := binary.Uvarint(b)
		if n <= 0 || tag&7 != 0 {
			return errTokens
		}
		b = b[n:]
		v, n := binary.Uvarint(b)
		if n <= 0 {
			return errTokens
		}
		b = b[n:]
		f(int(tag>>3), v)
	}
	return nil
}
