package audit

import (
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"time"
	"unicode/utf8"
)

// The three kinds of lines of a segment differ in their first bytes.
const (
	recordPrefix     = `{"v":1,"n":`
	bodyPrefix       = `{"body":"`
	checkpointPrefix = `{"checkpoint":"`
)

// appendTail appends the record from behind its number to the closing brace and
// the newline. The number is known only when the record takes its place in line.
func (r *Record) appendTail(b []byte) []byte { return r.appendSummed(b, &sums{}) }

// sums are the digests of a record that it need not hold as texts.
type sums struct {
	args, body       [sha256.Size]byte
	hasArgs, hasBody bool
}

// appendSummed is appendTail with these in place of ArgsDigest and Body.
func (r *Record) appendSummed(b []byte, s *sums) []byte {
	b = append(b, `,"time":"`...)
	b = r.Time.UTC().AppendFormat(b, time.RFC3339Nano)
	b = append(b, '"')
	b = appendField(b, `,"log":`, r.Log)
	b = appendField(b, `,"kind":`, r.Kind)
	b = appendField(b, `,"call":`, r.Call)
	b = appendField(b, `,"principal":`, r.Principal)
	b = appendField(b, `,"client":`, r.Client)
	b = appendField(b, `,"session":`, r.Session)
	b = appendField(b, `,"address":`, r.Address)
	b = appendField(b, `,"upstream":`, r.Upstream)
	b = appendField(b, `,"view":`, r.View)
	b = appendField(b, `,"method":`, r.Method)
	b = appendField(b, `,"class":`, r.Class)
	b = appendField(b, `,"target":`, r.Target)
	b = appendField(b, `,"effect":`, r.Effect)
	if r.Closed {
		b = append(b, `,"closed":true`...)
	}
	if s.hasArgs {
		b = appendSum(b, `,"args_digest":"`, &s.args)
	} else {
		b = appendField(b, `,"args_digest":`, r.ArgsDigest)
	}
	b = appendField(b, `,"decision":`, r.Decision)
	b = appendField(b, `,"code":`, r.Code)
	b = appendField(b, `,"stage":`, r.Stage)
	b = appendField(b, `,"reason":`, r.Reason)
	b = appendField(b, `,"message":`, r.Message)
	b = appendField(b, `,"would":`, r.Would)
	b = appendField(b, `,"would_reason":`, r.WouldReason)
	b = appendField(b, `,"under":`, r.Under)
	b = appendField(b, `,"rule":`, r.Rule)
	b = appendField(b, `,"rule_at":`, r.RuleAt)
	b = appendField(b, `,"policy":`, r.Policy)
	b = appendField(b, `,"subject":`, r.Subject)
	b = appendField(b, `,"by":`, r.By)
	b = appendField(b, `,"channel":`, r.Channel)
	b = appendField(b, `,"detail":`, r.Detail)
	b = appendField(b, `,"status":`, r.Status)
	b = appendInt(b, `,"duration_us":`, r.DurationUS)
	b = appendInt(b, `,"found":`, int64(r.Found))
	for i := range r.Findings {
		b = appendFinding(appendOpener(b, `,"findings":[`, i), &r.Findings[i])
	}
	b = appendCloser(b, len(r.Findings))
	b = appendField(b, `,"custody":`, r.Custody)
	b = appendField(b, `,"sandbox":`, r.Sandbox)
	b = appendField(b, `,"product":`, r.Product)
	b = appendInt(b, `,"pid":`, int64(r.PID))
	for i, h := range r.Heads {
		b = appendOpener(b, `,"heads":[`, i)
		b = append(appendString(append(b, `{"log":`...), h.Log), `,"size":`...)
		b = strconv.AppendInt(b, h.Size, 10)
		b = append(appendField(b, `,"root":`, h.Root), '}')
	}
	b = appendCloser(b, len(r.Heads))
	for i, p := range r.Repaired {
		b = appendOpener(b, `,"repaired":[`, i)
		b = append(appendString(append(b, `{"log":`...), p.Log), `,"cut":`...)
		b = strconv.AppendInt(b, p.Cut, 10)
		b = strconv.AppendInt(append(b, `,"size":`...), p.Size, 10)
		if p.Damaged {
			b = append(b, `,"damaged":true`...)
		}
		b = append(b, '}')
	}
	b = appendCloser(b, len(r.Repaired))
	// Last: readers take it from the end of the line.
	if s.hasBody {
		b = appendSum(b, `,"body":"`, &s.body)
	} else {
		b = appendField(b, `,"body":`, r.Body)
	}
	return append(b, '}', '\n')
}

func appendSum(b []byte, opener string, sum *[sha256.Size]byte) []byte {
	return append(base64.StdEncoding.AppendEncode(append(b, opener...), sum[:]), '"')
}

func appendOpener(b []byte, opener string, i int) []byte {
	if i > 0 {
		return append(b, ',')
	}
	return append(b, opener...)
}

func appendCloser(b []byte, n int) []byte {
	if n > 0 {
		return append(b, ']')
	}
	return b
}

func appendField(b []byte, key, s string) []byte {
	if s == "" {
		return b
	}
	return appendString(append(b, key...), s)
}

func appendInt(b []byte, key string, i int64) []byte {
	if i == 0 {
		return b
	}
	return strconv.AppendInt(append(b, key...), i, 10)
}

const hexDigits = "0123456789abcdef"

// appendString appends s as a JSON string. Invalid UTF-8 becomes U+FFFD, and
// what some reader takes for the end of a line is escaped.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	done := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c < 0x7f && c != '"' && c != '\\' {
			i++
			continue
		}
		size, r := 1, rune(c)
		if c >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
			bad := r == utf8.RuneError && size == 1
			if !bad && r != '\u2028' && r != '\u2029' && r != '\u0085' {
				i += size
				continue
			}
		}
		b = append(b, s[done:i]...)
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, '\\', 'n')
		case r == utf8.RuneError:
			b = append(b, "\ufffd"...)
		default:
			b = append(b, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
		}
		i += size
		done = i
	}
	return append(append(b, s[done:]...), '"')
}

// cut bounds text from outside; the mark tells how much is missing.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	end := limit
	for end > limit-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…(+" + strconv.Itoa(len(s)-end) + " bytes)"
}
