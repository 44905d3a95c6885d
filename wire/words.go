package wire

// slot is a member of a message that has a meaning to this package.
type slot uint8

const (
	noSlot slot = iota
	slotJSONRPC
	slotID
	slotMethod
	slotParams
	slotResult
	slotError

	slotName
	slotArguments
	slotURI
	slotTaskID
	slotMeta
	slotRequestID
	slotVersion
	slotMode
	slotProgress
	slotRef
	slotTask
	slotInputResponses
	slotRequestState
	slotInputRequests

	slotRefName
	slotRefURI

	slotMetaVersion
	slotMetaProgress
	slotMetaGrant
	slotMetaKey

	slotResultKind
	slotResultIsError
	slotResultMeta
	slotResultInputs
	slotResultTask
	slotResultTaskID
	slotResultTaskTaskID
	slotResultTaskInputs

	slotErrorData
	slotElicitations

	slots // how many there are
)

// place says which object is being read, and so which keys mean something there
// and how strictly its keys are compared.
type place uint8

const (
	inPlain     place = iota // only equal keys are refused
	inFolding                // keys that differ only by case are refused too, as in all below but results
	inEnvelope               // the message
	inParams                 // params
	inRef                    // params.ref
	inMeta                   // params._meta
	inResult                 // result
	inTask                   // result.task
	inError                  // error
	inErrorData              // error.data
)

// folds reports whether twins but for case are refused in objects at this place.
func (at place) folds() bool {
	switch at {
	case inPlain, inResult, inTask, inError, inErrorData:
		return false
	}
	return true
}

// inside is the place of the value of a member that has no meaning here.
func (at place) inside() place {
	switch at {
	case inFolding, inParams, inRef, inMeta:
		return inFolding
	}
	return inPlain
}

// lookup finds the member of an object at this place that has this key, folded
// where twins but for case are refused; word is the key as it must be written,
// next the place of its value.
func (at place) lookup(key []byte) (s slot, word string, next place) {
	switch at {
	case inEnvelope:
		switch string(key) {
		case "JSONRPC":
			return slotJSONRPC, "jsonrpc", inPlain
		case "ID":
			return slotID, "id", inPlain
		case "METHOD":
			return slotMethod, "method", inPlain
		case "PARAMS":
			return slotParams, "params", inParams
		case "RESULT":
			return slotResult, "result", inResult
		case "ERROR":
			return slotError, "error", inError
		}
	case inParams:
		switch string(key) {
		case "NAME":
			return slotName, "name", inFolding
		case "ARGUMENTS":
			return slotArguments, "arguments", inFolding
		case "URI":
			return slotURI, "uri", inFolding
		case "TASKID":
			return slotTaskID, "taskId", inFolding
		case "_META":
			return slotMeta, "_meta", inMeta
		case "REQUESTID":
			return slotRequestID, "requestId", inFolding
		case "PROTOCOLVERSION":
			return slotVersion, "protocolVersion", inFolding
		case "MODE":
			return slotMode, "mode", inFolding
		case "PROGRESSTOKEN":
			return slotProgress, "progressToken", inFolding
		case "REF":
			return slotRef, "ref", inRef
		case "TASK":
			return slotTask, "task", inFolding
		case "INPUTRESPONSES":
			return slotInputResponses, "inputResponses", inFolding
		case "REQUESTSTATE":
			return slotRequestState, "requestState", inFolding
		case "INPUTREQUESTS":
			return slotInputRequests, "inputRequests", inFolding
		}
	case inRef:
		switch string(key) {
		case "NAME":
			return slotRefName, "name", inFolding
		case "URI":
			return slotRefURI, "uri", inFolding
		}
	case inMeta:
		switch string(key) {
		case "IO.MODELCONTEXTPROTOCOL/PROTOCOLVERSION":
			return slotMetaVersion, metaVersion, inFolding
		case "PROGRESSTOKEN":
			return slotMetaProgress, "progressToken", inFolding
		case "OSTIARY/GRANT":
			return slotMetaGrant, MetaGrant, inFolding
		case "OSTIARY/IDEMPOTENCY-KEY":
			return slotMetaKey, MetaKey, inFolding
		}
	case inResult:
		switch string(key) {
		case "resultType":
			return slotResultKind, "resultType", inPlain
		case "isError":
			return slotResultIsError, "isError", inPlain
		case "_meta":
			return slotResultMeta, "_meta", inPlain
		case "inputRequests":
			return slotResultInputs, "inputRequests", inPlain
		case "task":
			return slotResultTask, "task", inTask
		case "taskId":
			return slotResultTaskID, "taskId", inPlain
		}
	case inTask:
		switch string(key) {
		case "taskId":
			return slotResultTaskTaskID, "taskId", inPlain
		case "inputRequests":
			return slotResultTaskInputs, "inputRequests", inPlain
		}
	case inError:
		if string(key) == "data" {
			return slotErrorData, "data", inErrorData
		}
	case inErrorData:
		if string(key) == "elicitations" {
			return slotElicitations, "elicitations", inPlain
		}
	}
	return noSlot, "", at.inside()
}
