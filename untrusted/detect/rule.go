package detect

// ruleID is a rule by its place in ruleTable.
type ruleID uint8

// Rules, by the names that signals carry.
const (
	ruleOverride     ruleID = iota // ignore what you were told
	rulePersona                    // you are now somebody else
	rulePrompt                     // the system prompt is asked for
	ruleRoleHeader                 // a line that begins like a message of the system
	ruleRoleToken                  // tokens of a chat template
	ruleBoundary                   // the end of the quotation, or a tag of importance
	ruleAddressed                  // it speaks to a model
	ruleSecrecy                    // the person is not to know
	ruleExfiltration               // send what is secret
	ruleSecretFile                 // names of files that hold keys
	ruleTool                       // call this tool
	ruleOrder                      // do this first
	rulePressure                   // urgent, must, or else
	ruleURLData                    // an address that carries data away
	ruleImageData                  // a picture that does
	ruleEncoded                    // an instruction in base64 or hex, or the order to decode one
	ruleHidden                     // letters that no font shows
	ruleDisguised                  // a rule's word in letters of another alphabet
	rulePreference                 // take this tool and no other
	ruleGreed                      // a parameter for the conversation or the prompt
	ruleSecretAsked                // one for keys and passwords, which many tools need
	ruleCount
)

// rule is what one rule is worth in a result and in a definition. A definition
// speaks to the model by its nature, and may say much that a result may not; and it
// has no reason to ask for the conversation.
type rule struct {
	name               string
	result, definition float64
}

// ruleTable is never written to.
var ruleTable = [ruleCount]rule{
	ruleOverride:     {"override", .9, .9},
	rulePersona:      {"persona", .45, .4},
	rulePrompt:       {"system_prompt", .6, .6},
	ruleRoleHeader:   {"role_header", .4, .5},
	ruleRoleToken:    {"role_token", .8, .8},
	ruleBoundary:     {"boundary", .5, .7},
	ruleAddressed:    {"addressed", .4, .2},
	ruleSecrecy:      {"secrecy", .7, .8},
	ruleExfiltration: {"exfiltration", .6, .6},
	ruleSecretFile:   {"secret_file", .25, .6},
	ruleTool:         {"tool_mention", .4, .4},
	ruleOrder:        {"order", .4, .4},
	rulePressure:     {"pressure", .2, .25},
	ruleURLData:      {"url_data", .4, .5},
	ruleImageData:    {"image_data", .6, .7},
	ruleEncoded:      {"encoded", .5, .5},
	ruleHidden:       {"hidden", .8, .9},
	ruleDisguised:    {"disguised", .6, .7},
	rulePreference:   {"preference", .15, .5},
	ruleGreed:        {"asks_for_context", .15, .6},
	ruleSecretAsked:  {"asks_for_secrets", .1, .35},
}
