package network

import "testing"

func TestOf(t *testing.T) {
	for peer, want := range map[string]string{
		"192.0.2.7": "192.0.2.7", "::ffff:192.0.2.7": "::ffff:192.0.2.7", "uid:1000": "uid:1000", "": "",
		"2001:db8::1": "2001:db8::/64", "2001:db8:0:0:ffff::9": "2001:db8::/64", "2001:db8:0:1::1": "2001:db8:0:1::/64", "fe80::1%eth0": "fe80::/64",
	} {
		if got := Of(peer); got != want {
			t.Errorf("%s: %s, want %s", peer, got, want)
		}
	}
}
