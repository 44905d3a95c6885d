package ostiary

// Event is something that happened beside the calls and changes what they may
// do: a person's decision, a grant, a freeze.
type Event struct {
	// Name is the room, an underscore and what happened: approval_approved,
	// grant_created, freeze_set.
	Name string
	// Subject is the id of what it is about.
	Subject string
	// Call, Principal, Session, Upstream and Target are those of the call that
	// it is about, as far as there is one.
	Call, Principal, Session, Upstream, Target string
	// By is who did it, as the operating system or a sign-in proves it; Channel
	// is where: cli, client, webhook, console, gateway.
	By, Channel string
	// Reason is what that person gave, Detail what else the operator should know.
	Reason, Detail string
}

// Journal keeps events in the evidence. It is used by many goroutines at once.
type Journal interface {
	// Note returns nil only after the event is durable. Who changes something
	// notes it first, so that no change goes unrecorded.
	Note(Event) error
}
