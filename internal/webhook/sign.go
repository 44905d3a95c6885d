package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/ostiary/ostiary"
)

// The headers of a delivery. The id of the delivery is in the body too, where the
// signature covers it.
const (
	headerSignature = "Ostiary-Signature"
	headerDelivery  = "Ostiary-Delivery"
)

// sign returns the value of the header Ostiary-Signature: "t=UNIX,v1=HEX", where HEX
// is HMAC-SHA256 of the digits of UNIX, a dot and the body.
func sign(secret, body []byte, at time.Time) string {
	t := strconv.FormatInt(at.Unix(), 10)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac(secret, t, body))
}

func mac(secret []byte, t string, body []byte) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(t + "."))
	h.Write(body)
	return h.Sum(nil)
}

// maxSignature is the longest header that is looked at.
const maxSignature = 1 << 10

// Verify is for receivers of the webhook: header is the value of
// Ostiary-Signature, body are the bytes as they came. It returns nil only if one
// of the header's v1 signatures is of this secret and body and was made within
// tolerance of now. Within that time the same delivery may come again: keep the
// "delivery" of the body's object "ostiary" and do each once. The error is
// [ostiary.CodeAuthNobody].
func Verify(secret []byte, header string, body []byte, now time.Time, tolerance time.Duration) error {
	if len(secret) < MinSecret {
		return unsigned("the secret is too short")
	}
	if len(header) > maxSignature {
		return unsigned("the header is too long")
	}
	stamp, signatures := "", [][]byte{}
	for part := range strings.SplitSeq(header, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch key {
		case "t":
			if stamp != "" {
				return unsigned("the header has two times")
			}
			stamp = value
		case "v1":
			if b, err := hex.DecodeString(value); err == nil {
				signatures = append(signatures, b)
			}
		}
	}
	unix, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || strconv.FormatInt(unix, 10) != stamp {
		return unsigned("the header has no time")
	}
	want, good := mac(secret, stamp, body), false
	for _, s := range signatures {
		good = hmac.Equal(s, want) || good
	}
	if !good {
		return unsigned("no signature is of this secret and body")
	}
	if off := now.Sub(time.Unix(unix, 0)).Abs(); off > tolerance {
		return unsigned("it was signed " + off.Round(time.Second).String() + " from now")
	}
	return nil
}

func unsigned(why string) error {
	return &ostiary.Error{
		Code: ostiary.CodeAuthNobody, Reason: why,
		Message: "this did not come from the door, or not now: drop it; if it should have, compare the secrets and the clocks",
	}
}
