package redact

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
)

// Bodies as tools give them, with few hits or none, and the worst that somebody could
// send.
func bodies() map[string]string {
	const prose = "The build finished in 42 seconds. See internal/report/summary.go:118 for the table; 3 of 214 tests were skipped on linux.\n"
	const listing = "-rw-r--r-- 1 app app  48213 Jul 28 10:01 /srv/workspace/packages/renderer/src/components/TableView.tsx\n"
	var records strings.Builder
	for i := range 4000 {
		fmt.Fprintf(&records, `{"id":%d,"name":"order-%d","state":"open","at":"2026-07-28T10:00:%02dZ","total":%d.50,"note":"left at the \"back\" door"},`, i, i*7, i%60, i)
	}
	rows := records.String()
	size := func(n int, s string) string { return strings.Repeat(s, n/len(s)+1)[:n] }
	small, big := 10<<10, 1<<20
	return map[string]string{
		"prose-10K":   text(size(small, prose)),
		"prose-1M":    text(size(big, prose)),
		"one-1M":      text(size(big/2, prose) + acme + size(big/2, prose)),
		"listing-1M":  text(size(big, listing)),
		"records-10K": `{"structuredContent":[` + rows[:strings.LastIndex(rows[:small], `},{`)+1] + `]}`,
		"records-1M":  `{"structuredContent":[` + strings.Repeat(rows, 2) + `0]}`,
		"nested-1M":   text(`[` + strings.Repeat(rows, 2) + `0]`),
		"image-1M":    `{"content":[{"type":"image","mimeType":"image/png","data":"` + base64.StdEncoding.EncodeToString([]byte(size(big, "\x89PNG\r\n\x1a\n\xff\xd8\x00\x91"))) + `"}]}`,
		"worst-hits":  `["` + strings.Repeat(acme+`","`, big/40) + `"]`,
		"worst-text":  text(strings.Repeat(acme+" ", big/38)),
		"worst-b64":   text(base64.StdEncoding.EncodeToString([]byte(size(big*3/4, "a "+acme+" ")))),
		"worst-deep":  text(deep(acme, 12) + " " + size(big/2, base64.StdEncoding.EncodeToString([]byte(size(600, base64.StdEncoding.EncodeToString([]byte("key "+acme+" ")))))+" ")),
		"worst-views": text(size(big, `%61cme\u005f%30123456789abcdef0123456789abcdef `)),
		"worst-keys":  text(`[` + size(big, `{"password":"x","api_key":"y","token":["z"]},`) + `0]`),
	}
}

func deep(s string, n int) string {
	for range n {
		s = base64.StdEncoding.EncodeToString([]byte(s))
	}
	return s
}

func BenchmarkFilter(b *testing.B) {
	f := filter(b)
	for name, body := range bodies() {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			c := &ostiary.Call{ID: "c", Method: "tools/call", Class: ostiary.ClassTool, Rule: &ostiary.Rule{Output: ostiary.OutputRule{MaxBytes: 4 << 20}}}
			raw := []byte(body) // which nobody changes
			for b.Loop() {
				r := &ostiary.Result{Status: ostiary.StatusOK, Body: raw}
				if err := f.Apply(b.Context(), c, r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
