package wire

import "github.com/ostiary/ostiary"

// Direction is who sent a message.
type Direction uint8

// The directions.
const (
	FromClient Direction = iota
	FromServer
)

// String returns "client" or "server".
func (d Direction) String() string {
	if d == FromServer {
		return "server"
	}
	return "client"
}

// Info is what is known of a method in one direction. The zero Info is that of
// an unknown method.
type Info struct {
	Class ostiary.Class
	// Eras are those in which the protocol has the method.
	Eras  Eras
	Known bool
	// Notification is true for methods that have no answer.
	Notification bool
}

// Describe returns what is known of a method that from sends: every method of
// the revisions 2024-11-05 to 2025-11-25 and of 2026-07-28 with its tasks
// extension. A method of the other direction is unknown.
func Describe(method string, from Direction) Info {
	class, eras := clientMethod(method)
	note := false
	if from == FromServer {
		class, eras = serverMethod(method)
	}
	if eras == 0 {
		eras = notification(method, from)
		if note = eras != 0; note {
			class = ostiary.ClassNotification
		}
	}
	if eras == 0 {
		return Info{}
	}
	return Info{Class: class, Eras: eras, Known: true, Notification: note}
}

func clientMethod(method string) (ostiary.Class, Eras) {
	switch method {
	case "tools/call":
		return ostiary.ClassTool, BothEras
	case "tools/list", "resources/list", "resources/templates/list", "prompts/list":
		return ostiary.ClassList, BothEras
	case "resources/read":
		return ostiary.ClassResource, BothEras
	case "resources/subscribe", "resources/unsubscribe":
		return ostiary.ClassResource, LegacyOnly
	case "prompts/get":
		return ostiary.ClassPrompt, BothEras
	case "completion/complete":
		return ostiary.ClassCompletion, BothEras
	case "initialize", "ping", "logging/setLevel":
		return ostiary.ClassControl, LegacyOnly
	case "server/discover":
		return ostiary.ClassControl, ModernOnly
	case "subscriptions/listen":
		return ostiary.ClassSubscribe, ModernOnly
	case "tasks/get", "tasks/cancel":
		return ostiary.ClassTask, BothEras
	case "tasks/result", "tasks/list":
		return ostiary.ClassTask, LegacyOnly
	case "tasks/update":
		return ostiary.ClassTaskInput, ModernOnly
	}
	return ostiary.ClassUnknown, 0
}

func serverMethod(method string) (ostiary.Class, Eras) {
	switch method {
	case "ping":
		return ostiary.ClassControl, LegacyOnly
	case "elicitation/create":
		return ostiary.ClassElicitation, LegacyOnly
	case "sampling/createMessage":
		return ostiary.ClassSampling, LegacyOnly
	case "roots/list":
		return ostiary.ClassRoots, LegacyOnly
	// Revision 2025-11-25: the client may run elicitation and sampling as tasks.
	case "tasks/get", "tasks/result", "tasks/list", "tasks/cancel":
		return ostiary.ClassTask, LegacyOnly
	}
	return ostiary.ClassUnknown, 0
}

func notification(method string, from Direction) Eras {
	switch method {
	case "notifications/cancelled":
		return BothEras
	case "notifications/tasks/status":
		return LegacyOnly
	}
	if from == FromClient {
		switch method {
		case "notifications/initialized", "notifications/progress", "notifications/roots/list_changed":
			return LegacyOnly
		}
		return 0
	}
	switch method {
	case "notifications/progress", "notifications/message", "notifications/resources/updated",
		"notifications/resources/list_changed", "notifications/tools/list_changed", "notifications/prompts/list_changed":
		return BothEras
	case "notifications/elicitation/complete":
		return LegacyOnly
	case "notifications/subscriptions/acknowledged", "notifications/tasks":
		return ModernOnly
	}
	return 0
}
