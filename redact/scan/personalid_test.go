package scan

import "testing"

// TestNationalIDsByTheirCheck holds every kind to what tells it from other numbers as
// long: each has one that is right, and the same with one thing wrong.
func TestNationalIDsByTheirCheck(t *testing.T) {
	e, err := New(Options{Personal: []string{"national-id", "phone"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ what, right, wrong string }{
		{"SSN, a group that is never given", "536-22-8145", "536-00-8145"},
		{"SSN, a serial number that is never given", "536-22-8145", "536-22-0000"},
		{"DNI, its letter", "12345678Z", "12345678A"},
		{"NIE of the second series, its letter", "Y1234567X", "Y1234567L"},
		{"NIE of the third series, its letter", "Z1234567R", "Z1234567L"},
		{"NIR, its key", "255081416803033", "255081416803034"},
		{"NIR, for whom it is", "255081416803033", "955081416803071"},
		{"NIR of Corse-du-Sud", "185052A03312359", "185052A03312358"},
		{"NIR of Haute-Corse", "185052B03312386", "185052B03312385"},
		{"codice fiscale, its letter", "RSSMRA85T10A562S", "RSSMRA85T10A562T"},
		{"Steuer-ID, its check digit", "86095742719", "86095742718"},
		{"Steuer-ID, a digit that stands twice", "86095742719", "12345678903"},
		{"Steuer-ID, only one digit that stands twice", "86095742719", "11223456785"},
		{"BSN, the test of eleven", "111222333", "111222334"},
		{"BSN, no number of one digit", "111222333", "000000000"},
		{"PESEL, its check digit", "44051401359", "44051401358"},
		{"PESEL, its month", "44051401359", "44131401350"},
		{"PESEL, its day", "44051401359", "44053201353"},
		{"CPF, its first check digit", "529.982.247-25", "529.982.247-35"},
		{"CPF, its second check digit", "529.982.247-25", "529.982.247-26"},
		{"phone, its greatest length", "+491234567890123", "+4912345678901234"},
	} {
		if found := e.Find(nil, "of "+c.right+"."); len(found) != 1 || found[0].Start != 3 || found[0].End != 3+len(c.right) {
			t.Errorf("%s: %q: got %v", c.what, c.right, found)
		}
		if found := e.Find(nil, "of "+c.wrong+"."); len(found) > 0 {
			t.Errorf("%s: %q: got %v", c.what, c.wrong, found)
		}
	}
}
