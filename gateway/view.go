package gateway

import (
	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/policy"
)

// offered is the part of an upstream's book that the door offers. To its clients
// the rest does not exist; what two views have is closed in both.
func (d *door) offered(book *policy.Book) *policy.Book {
	if d.o.Views == nil {
		return book
	}
	book, shared := d.o.Views.Book(book, d.o.View)
	for _, name := range shared {
		d.o.Log.Error("two views of a server have this tool; it is closed in both", "code", ostiary.CodePolicyView, "tool", visible([]byte(name)), "view", d.o.View)
	}
	return book
}

// filters reports whether what the server lists is not for everybody who asks.
func (d *door) filters() bool { return d.o.tasks != nil || d.o.Views != nil }
