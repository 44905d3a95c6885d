package scan

import "strings"

// nationalID is one of the numbers that states give to people and that have a
// check of their own, or a form that little else has:
//   - United States: social security number, with hyphens (it has no check digit;
//     numbers that are never given are left out);
//   - Spain: DNI and NIE, with their letter;
//   - France: NIR, with its key;
//   - Italy: codice fiscale, with its letter;
//   - Germany: tax identification number, with its check digit;
//   - Netherlands: BSN, nine digits by the test of eleven;
//   - Poland: PESEL; Brazil: CPF, with its signs.
func nationalID(s string, i int) (start, end int, ok bool) {
	end = i
	for end < len(s) && end-i <= 20 && (isDigit(s[end]) || s[end] >= 'A' && s[end] <= 'Z') {
		end++
	}
	word := s[i:end]
	switch len(word) {
	case 3: // the first group of one with signs
		return dashed(s, i)
	case 8, 9:
		ok = spanish(word) || len(word) == 9 && bsn(word)
	case 11:
		ok = pesel(word) || steuerID(word)
	case 15:
		ok = nir(word)
	case 16:
		ok = codiceFiscale(word)
	}
	return i, end, ok && edges(s, i, end)
}

// dashed is 123-45-6789 or 123.456.789-09.
func dashed(s string, i int) (start, end int, ok bool) {
	if form(s, i, "ddd-dd-dddd") {
		end = i + 11
		area, group, serial := s[i:i+3], s[i+4:i+6], s[i+7:end]
		ok = area != "000" && area != "666" && area[0] != '9' && group != "00" && serial != "0000"
		return i, end, ok && edges(s, i, end)
	}
	if form(s, i, "ddd.ddd.ddd-dd") {
		end = i + 14
		plain := s[i:i+3] + s[i+4:i+7] + s[i+8:i+11] + s[i+12:end]
		return i, end, cpf(plain) && edges(s, i, end)
	}
	return 0, 0, false
}

// form reports whether digits stand at i where f has a d, and what f has elsewhere.
func form(s string, i int, f string) bool {
	if len(s)-i < len(f) {
		return false
	}
	for k := range len(f) {
		if f[k] == 'd' && !isDigit(s[i+k]) || f[k] != 'd' && s[i+k] != f[k] {
			return false
		}
	}
	return true
}

func number(s string) (n int, ok bool) {
	for k := range len(s) {
		if !isDigit(s[k]) {
			return 0, false
		}
		n = n*10 + int(s[k]-'0')
	}
	return n, s != ""
}

// same reports whether all bytes are one.
func same(s string) bool { return strings.Count(s, s[:1]) == len(s) }

func spanish(s string) bool {
	if len(s) != 9 {
		return false
	}
	digits := s[:8]
	if k := strings.IndexByte("XYZ", s[0]); k >= 0 {
		digits = string(rune('0'+k)) + s[1:8]
	}
	n, ok := number(digits)
	return ok && s[8] == "TRWAGMYFPDXBNJZSQVHLCKE"[n%23]
}

func bsn(s string) bool {
	if _, ok := number(s); !ok || same(s) {
		return false
	}
	sum := -int(s[8] - '0')
	for k := range 8 {
		sum += int(s[k]-'0') * (9 - k)
	}
	return sum%11 == 0
}

// pesel checks the date of birth too, because one digit lets every tenth number
// pass.
func pesel(s string) bool {
	if _, ok := number(s); !ok {
		return false
	}
	sum := 0
	for k := range 11 {
		sum += int(s[k]-'0') * int("13791379131"[k]-'0')
	}
	month, _ := number(s[2:4])
	day, _ := number(s[4:6])
	return sum%10 == 0 && month%20 >= 1 && month%20 <= 12 && day >= 1 && day <= 31
}

// steuerID has one digit twice or three times among its first ten, and a check by
// ISO 7064, MOD 11,10.
func steuerID(s string) bool {
	if _, ok := number(s); !ok || s[0] == '0' {
		return false
	}
	repeated := 0
	for c := byte('0'); c <= '9'; c++ {
		switch n := strings.Count(s[:10], string(rune(c))); {
		case n > 3:
			return false
		case n > 1:
			repeated++
		}
	}
	product := 10
	for k := range 10 {
		sum := (int(s[k]-'0') + product) % 10
		if sum == 0 {
			sum = 10
		}
		product = sum * 2 % 11
	}
	return repeated == 1 && (11-product)%10 == int(s[10]-'0')
}

func nir(s string) bool {
	digits := strings.Replace(strings.Replace(s[:13], "2A", "19", 1), "2B", "18", 1)
	n, ok := number(digits)
	key, okKey := number(s[13:])
	return ok && okKey && (s[0] == '1' || s[0] == '2') && key == 97-n%97
}

func cpf(s string) bool {
	if same(s) {
		return false
	}
	for _, n := range []int{9, 10} {
		sum := 0
		for k := range n {
			sum += int(s[k]-'0') * (n + 1 - k)
		}
		if sum*10%11%10 != int(s[n]-'0') {
			return false
		}
	}
	return true
}

func codiceFiscale(s string) bool {
	if !formOf(s, "LLLLLLNNLNNLNNNL") {
		return false
	}
	odd := [36]int{1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23}
	sum := 0
	for k := range 15 {
		v := int(s[k] - '0')
		if !isDigit(s[k]) {
			v = int(s[k]-'A') + 10
		}
		switch {
		case k%2 == 0:
			sum += odd[v]
		case v >= 10:
			sum += v - 10
		default:
			sum += v
		}
	}
	return int(s[15]-'A') == sum%26
}

// formOf checks letters and digits; a digit may be one of the letters that stand for
// it where two people would have the same code.
func formOf(s, f string) bool {
	for k := range len(f) {
		letter := !isDigit(s[k])
		if f[k] == 'L' && !letter || f[k] == 'N' && letter && strings.IndexByte("LMNPQRSTUV", s[k]) < 0 {
			return false
		}
	}
	return true
}
