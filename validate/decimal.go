package validate

import (
	"cmp"
	"strconv"
	"strings"
)

// decimal is a JSON number without loss: 0.digits times ten to the power of
// exp. It is compared by its text, so that 1e999999999 costs nothing.
type decimal struct {
	negative bool
	digits   string // no zeros at either end; empty is zero
	exp      int64
}

// parseDecimal reads a JSON number (RFC 8259, section 6). It does not accept an
// exponent beyond eighteen digits.
func parseDecimal(s string) (decimal, bool) {
	var d decimal
	s, d.negative = strings.CutPrefix(s, "-")
	mantissa, exponent := s, ""
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa, exponent = s[:i], s[i+1:]
		if exponent == "" {
			return d, false
		}
		exponent = strings.TrimPrefix(exponent, "+")
	}
	whole, fraction, dot := strings.Cut(mantissa, ".")
	if whole == "" || !isDigits(whole) || len(whole) > 1 && whole[0] == '0' || dot && (fraction == "" || !isDigits(fraction)) {
		return d, false
	}
	if exponent != "" {
		unsigned := strings.TrimPrefix(exponent, "-")
		if unsigned == "" || !isDigits(unsigned) || len(strings.TrimLeft(unsigned, "0")) > 18 {
			return d, false
		}
		e, err := strconv.ParseInt(exponent, 10, 64)
		if err != nil {
			return d, false
		}
		d.exp = e
	}
	digits := whole + fraction
	significant := strings.TrimLeft(digits, "0")
	d.exp += int64(len(whole)) - int64(len(digits)-len(significant))
	d.digits = strings.TrimRight(significant, "0")
	if d.digits == "" {
		return decimal{}, true
	}
	return d, true
}

func isDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// compare returns -1, 0 or 1.
func (d decimal) compare(e decimal) int {
	if d.sign() != e.sign() {
		return cmp.Compare(d.sign(), e.sign())
	}
	c := cmp.Compare(d.exp, e.exp)
	if c == 0 {
		c = cmp.Compare(d.digits, e.digits)
	}
	return c * d.sign()
}

func (d decimal) sign() int {
	switch {
	case d.digits == "":
		return 0
	case d.negative:
		return -1
	}
	return 1
}
