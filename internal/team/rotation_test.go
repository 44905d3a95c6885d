package team

import (
	"net/http"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

// TestKeysOfTheIssuerRotate: the issuer comes back with another key under another
// name. Its new tokens count at the next look at its keys, which is not at every
// token with an unknown key, and the old ones not longer than a minute from then.
func TestKeysOfTheIssuerRotate(t *testing.T) {
	t.Parallel()
	i, s := openIssuer(t, "0", newKey(t, "one")), openShared(t)
	d, clock := clockedDoor(t, jwts(i)+rules, s)
	read := func(token string) *http.Request { return d.modern(token, "tools/call", "read") }
	used, unused := i.robot("robot", d.url, "notes:read"), i.person("ann", "desktop", d.url)
	d.passes(s, read(used), "robot", "read done")

	i.stop()
	i = openIssuer(t, i.port(), newKey(t, "two"))
	renewed := i.robot("robot", d.url, "notes:read")
	d.refused(s, read(renewed), http.StatusUnauthorized, ostiary.CodeAuthToken) // it has looked a moment ago
	d.passes(s, read(used), "robot", "read done")
	clock.pass(10 * time.Second)
	d.passes(s, read(renewed), "robot", "read done")
	d.refused(s, read(unused), http.StatusUnauthorized, ostiary.CodeAuthToken)
	d.passes(s, read(used), "robot", "read done") // remembered, for a minute
	clock.pass(51 * time.Second)
	d.refused(s, read(used), http.StatusUnauthorized, ostiary.CodeAuthToken)
	d.passes(s, read(i.robot("robot", d.url, "notes:read")), "robot", "read done")
}

// TestATokenThatIsTakenBack: the issuer is asked again within half a minute.
func TestATokenThatIsTakenBack(t *testing.T) {
	t.Parallel()
	i, s := openIssuer(t, "0", newKey(t, "one")), openShared(t)
	d, clock := clockedDoor(t, opaque(i)+rules, s)
	read := func(token string) *http.Request { return d.modern(token, "tools/call", "read") }
	ann, ben := i.person("ann", "opaque", d.url), i.person("ben", "opaque", d.url)
	d.passes(s, read(ann), "ann", "read done")
	d.passes(s, read(ben), "ben", "read done")
	i.revoke("opaque", ann)
	clock.pass(31 * time.Second)
	d.refused(s, read(ann), http.StatusUnauthorized, ostiary.CodeAuthInactive)
	d.refused(s, read(ann), http.StatusUnauthorized, ostiary.CodeAuthInactive)
	d.passes(s, read(ben), "ben", "read done")
}

// TestAnIssuerThatIsAway: while it is, the keys that are known count for an hour;
// opaque tokens do not count at all.
func TestAnIssuerThatIsAway(t *testing.T) {
	t.Parallel()
	i, s := openIssuer(t, "0", newKey(t, "one")), openShared(t)
	signed, clock := clockedDoor(t, jwts(i)+rules, s)
	asked, _ := clockedDoor(t, opaque(i)+rules, s)
	robot, other := i.robot("robot", signed.url, "notes:read"), i.robot("robot", signed.url, "notes:read")
	ann := i.person("ann", "opaque", asked.url)
	signed.passes(s, signed.modern(robot, "tools/call", "read"), "robot", "read done")
	i.stop()
	clock.pass(2 * time.Minute)
	signed.passes(s, signed.modern(other, "tools/call", "read"), "robot", "read done")
	asked.refused(s, asked.modern(ann, "tools/call", "read"), http.StatusServiceUnavailable, ostiary.CodeAuthUnavailable)
}
