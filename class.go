package ostiary

// Class says what kind of message a method carries; coverage is by class, so
// that a method nobody thought of is refused. The zero value is ClassUnknown.
type Class uint8

// The classes. Package wire maps every method of the supported protocol
// revisions to one.
const (
	ClassUnknown      Class = iota
	ClassControl            // handshake, discovery, ping, log level: nothing of the outside world
	ClassList               // lists of tools, resources, prompts
	ClassTool               // tools/call
	ClassResource           // resources/read and subscriptions
	ClassPrompt             // prompts/get
	ClassCompletion         // completion/complete
	ClassTask               // tasks/get, tasks/result, tasks/list, tasks/cancel
	ClassTaskInput          // tasks/update: answers to an upstream's questions
	ClassSubscribe          // subscriptions/listen
	ClassElicitation        // the upstream asks the person
	ClassSampling           // the upstream asks the model
	ClassRoots              // the upstream asks for the client's roots
	ClassAnswer             // the client's answer to one of the upstream's requests
	ClassNotification       // a notification of either side
	ClassMalformed          // bytes that were no acceptable message
)

var classNames = [...]string{
	"unknown", "control", "list", "tool", "resource", "prompt", "completion", "task", "task_input",
	"subscribe", "elicitation", "sampling", "roots", "answer", "notification", "malformed",
}

// String returns the word used in records.
func (c Class) String() string {
	if int(c) < len(classNames) {
		return classNames[c]
	}
	return classNames[ClassUnknown]
}
