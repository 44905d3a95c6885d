package ostiary

// Tool is one entry of an upstream's catalog, as the upstream describes itself.
// All of it is text from outside: nothing here loosens a check.
type Tool struct {
	Upstream    string
	Name        string
	Title       string
	Description string
	Annotations Annotations
	// InputSchema and OutputSchema are the JSON Schemas as received; nil if absent.
	InputSchema  []byte
	OutputSchema []byte
}

// Annotations are a tool's hints about itself (MCP revision 2025-03-26 and
// later). A nil hint was not given.
type Annotations struct {
	ReadOnly    *bool
	Destructive *bool
	Idempotent  *bool
	OpenWorld   *bool
}
