package egress

import "github.com/ostiary/ostiary"

func badHost(why string) error {
	return &ostiary.Error{Code: ostiary.CodeEgressHost, Message: "the host of the URL " + why +
		": write a name of letters, digits and hyphens, or an address in its usual form"}
}

func badURL(why string) error {
	return &ostiary.Error{Code: ostiary.CodeEgressHost, Message: "the URL " + why}
}

// badAddress tells the operator alone which address it was: an answer of an inner
// DNS is nobody else's business.
func badAddress(h host, what string) error {
	return &ostiary.Error{
		Code:    ostiary.CodeEgressAddress,
		Message: "the host leads to an address that the door does not connect to; if it is meant, the operator lists it in allow_private",
		Reason:  "the host " + h.String() + " leads to " + what,
	}
}

// neverAddress is for what no list opens.
func neverAddress(h host, what string) error {
	return &ostiary.Error{Code: ostiary.CodeEgressAddress, Message: "the host leads to an address that the door never connects to: use another host",
		Reason: "the host " + h.String() + " leads to " + what}
}

func badRedirect(why string) error {
	return &ostiary.Error{Code: ostiary.CodeEgressRedirect, Message: "the other side redirects " + why +
		", which the door does not follow: the operator writes the address that it leads to"}
}

func unreachable(h host, err error) error {
	return &ostiary.Error{Code: ostiary.CodeEgressUnreachable, Message: "the other side cannot be reached: try again later", Reason: "the host " + h.String(), Err: err}
}

func badOption(why string) error {
	return &ostiary.Error{Code: ostiary.CodeConfigInvalid, Message: why}
}
