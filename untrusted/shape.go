package untrusted

import (
	"maps"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/wire"
)

// care is what is done with the strings at one place.
type care uint8

const (
	careText    care = iota + 1 // a model reads it: reveal, seal, signals, mark
	careShown                   // a person or a model reads it beside other things: reveal, seal, signals
	careListed                  // what a list says of an entry: as careShown, and marked if it is suspect
	careLinked                  // what an answer says of a link: as careListed, in any body
	careUnnamed                 // the protocol knows nothing of it: as careData, and the result says so
	careBinary                  // base64: nothing; what is none is as careText
	careData                    // a program reads it too: reveal, signals
	careExact                   // must keep its bytes, and is read: what hides is only reported
	careOpaque                  // no text: nothing
)

// shape says what the strings of a JSON value are, by the way to them. An array is
// shaped like its items.
type shape struct {
	care    care
	members map[string]*shape
	other   *shape // members that are not named; nil is the shape itself
}

// member is the shape of a member. A name in another case counts: there are
// programs that read it so.
// Escaped is the key as it is written inside of its quotes.
func (s *shape) member(escaped []byte) *shape {
	if m := s.members[string(escaped)]; m != nil {
		return m
	}
	if s.members != nil && !lower(escaped) {
		key := string(escaped)
		if strings.IndexByte(key, '\\') >= 0 {
			key = string(wire.AppendUnquoted(nil, slices.Concat([]byte{'"'}, escaped, []byte{'"'})))
		}
		for name, m := range s.members {
			if strings.EqualFold(name, key) {
				return m
			}
		}
	}
	if s.other != nil {
		return s.other
	}
	return s
}

// lower reports whether a key is written in one way only.
func lower(key []byte) bool {
	for _, c := range key {
		if c >= 'A' && c <= 'Z' || c >= 0x80 || c == '\\' {
			return false
		}
	}
	return true
}

// even reports whether everything below has the same shape.
func (s *shape) even() bool { return s.members == nil && s.other == nil }

// shapes are those of a result, of an answer and a prompt, of a result that is no object, of the params of a question or notification, of an
// error that a model reads, and of other errors.
type shapes struct{ result, answer, prompt, bare, params, err, quiet *shape }

type members = map[string]*shape

// newShapes follows the schemas of MCP 2024-11-05 to 2026-07-28 and its tasks
// extension. What they do not name is read like the content of a tool's answer.
func newShapes() *shapes {
	text, shown, data := &shape{care: careText}, &shape{care: careShown}, &shape{care: careData}
	exact, opaque, listed := &shape{care: careExact}, &shape{care: careOpaque}, &shape{care: careListed}
	meta := &shape{care: careOpaque, other: opaque, members: members{"io.modelcontextprotocol/model-immediate-response": text}}

	schema := &shape{care: careExact, members: members{
		"title": shown, "description": listed, "$comment": listed, "enumNames": shown,
		"enum": exact, "const": exact, "default": exact, "examples": exact, "required": exact,
	}}
	properties := &shape{care: careExact, other: schema} // whose names may be those of keywords
	for _, keyword := range []string{"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"} {
		schema.members[keyword] = properties
	}
	entry := &shape{care: careData, members: members{ // of a list
		"name": exact, "title": shown, "description": listed, "uri": exact, "uriTemplate": exact, "mimeType": exact,
		"inputSchema": schema, "outputSchema": schema, "icons": exact, "_meta": opaque,
		"arguments":   {care: careData, members: members{"name": exact, "title": shown, "description": listed}},
		"annotations": {care: careData, members: members{"title": shown}},
	}}
	unnamed, binary := &shape{care: careUnnamed}, &shape{care: careBinary}
	// Other is what the members are that an answer's content has not: a question may use tools.
	blocks := func(other *shape) *shape {
		block := &shape{care: careText, other: other, members: members{
			"type": opaque, "text": text, "data": binary, "blob": binary, "mimeType": exact, "uri": exact, "name": shown, "title": shown,
			"description": {care: careLinked}, "id": opaque, "toolUseId": opaque, "lastModified": opaque, "_meta": opaque, "icons": exact,
			"resource":    {care: careText, other: other, members: members{"text": text, "blob": binary, "uri": exact, "mimeType": exact, "_meta": opaque}},
			"annotations": {care: careUnnamed, members: members{"audience": data, "lastModified": opaque}},
		}}
		block.members["content"] = block
		return block
	}
	messages := func(block *shape) *shape {
		return &shape{care: careText, other: block.other, members: members{"role": opaque, "content": block}}
	}
	block := blocks(unnamed)
	message := messages(block)
	params := &shape{care: careData, members: members{ // of questions and notifications
		"message": shown, "requestedSchema": schema, "url": exact, "mode": opaque, "elicitationId": opaque, "messages": messages(blocks(data)), "systemPrompt": text,
		"tools": entry, "statusMessage": shown, "reason": shown, "logger": shown, "data": shown, "progressToken": opaque, "requestId": opaque,
		"uri": exact, "taskId": opaque, "level": opaque, "stopSequences": exact, "metadata": opaque, "modelPreferences": exact, "_meta": opaque,
	}}
	asks := &shape{care: careUnnamed, other: &shape{care: careUnnamed, members: members{"method": opaque, "params": params}}}
	params.members["inputRequests"] = asks
	failure := &shape{care: careData, members: members{"message": text, "data": {care: careData, members: members{"elicitations": params}}}}

	result := &shape{care: careData, members: members{
		"content": block, "contents": block, "messages": message, "structuredContent": data, "description": shown,
		"statusMessage": shown, "taskId": opaque, "requestState": opaque, "nextCursor": opaque, "resultType": opaque, "status": opaque,
		"createdAt": opaque, "lastUpdatedAt": opaque, "cacheScope": opaque, "inputRequests": asks, "error": failure, "_meta": meta,
		"instructions": text, "serverInfo": {care: careExact, members: members{"title": shown, "description": shown, "_meta": opaque}},
		"capabilities": exact, "protocolVersion": exact, "supportedVersions": exact,
		"tools": entry, "resources": entry, "resourceTemplates": entry, "prompts": entry,
	}}
	result.members["result"], result.members["task"], result.members["tasks"] = result, result, result
	answer := &shape{care: careText, other: unnamed, members: maps.Clone(result.members)}
	for _, name := range []string{"description", "serverInfo", "capabilities", "protocolVersion", "supportedVersions", "tools", "resources", "resourceTemplates", "prompts"} {
		delete(answer.members, name)
	}
	answer.members["result"], answer.members["task"], answer.members["tasks"] = answer, answer, answer
	answer.members["error"] = &shape{care: careText, other: unnamed, members: members{
		"message": text, "data": {care: careUnnamed, members: members{"elicitations": params}}}}
	prompt := &shape{care: careText, other: unnamed, members: maps.Clone(answer.members)}
	prompt.members["description"] = shown
	params.members["result"], params.members["error"], params.members["task"] = result, failure, result
	quiet := &shape{care: careData, members: members{"message": shown, "data": failure.members["data"]}}
	return &shapes{result: result, answer: answer, prompt: prompt, bare: text, params: params, err: failure, quiet: quiet}
}

// answers reports whether a model reads what comes back for a method.
func answers(method string) bool {
	switch method {
	case "tools/call", "resources/read", "prompts/get", "tasks/get", "tasks/result":
		return true
	}
	return false
}

// of is the shape of what comes back for a method.
func (s *shapes) of(method string, failed, object bool) *shape {
	switch {
	case !failed:
		switch method {
		case "elicitation/create", "sampling/createMessage", "roots/list":
			return s.params
		}
		if strings.HasPrefix(method, "notifications/") {
			return s.params
		}
		switch {
		case !object:
			return s.bare
		case method == "prompts/get", method == "tasks/result":
			return s.prompt
		case answers(method):
			return s.answer
		}
		return s.result
	case answers(method):
		return s.err
	}
	return s.quiet
}
