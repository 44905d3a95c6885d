package validate

import "context"

// SQL says which SQL text an argument may carry. The zero value does not
// compile, because a text means nothing without its dialect.
type SQL struct {
	// Dialect is "postgresql" or "sqlite".
	Dialect string
	// Statements are the allowed classes; empty means select alone.
	Statements []string
	// Tables are the allowed tables, "schema.table" or "table" for one that is
	// named without a schema or in the default schema (public; main). Empty means
	// any table but the system catalogs.
	Tables []string
	// Functions replaces the built-in list of harmless functions, "name" or
	// "schema.name". The word "default" in it stands for that list.
	Functions []string
	// MaxBytes bounds the text; 0 means 16 KiB.
	MaxBytes int
}

// SQLParser says what a text is, by the real grammar of its dialect. An error
// denies the call. It is used by many goroutines at once. Package sqlhelper
// has one that runs in a process of its own.
type SQLParser func(ctx context.Context, dialect, text string) (SQLSummary, error)

// SQLSummary is everything that was found anywhere in a text. A parser MUST
// name whatever it met and did not judge in Unknown.
type SQLSummary struct {
	// Statements is how many statements the text has.
	Statements int `json:"statements"`
	// Classes are the classes of every statement at every depth, sorted.
	Classes []string `json:"classes,omitempty"`
	// Tables are the relations, without the names that the text defines itself
	// (WITH).
	Tables []SQLName `json:"tables,omitempty"`
	// Functions are the functions, and the operators that were named with a schema.
	Functions []SQLName `json:"functions,omitempty"`
	// Unknown are parts of the language that the parser has no judgement on.
	Unknown []string `json:"unknown,omitempty"`
}

// SQLName is a name as the dialect understands it: folded to lower case unless
// it was quoted. Schema is empty where none was written.
type SQLName struct {
	Schema string `json:"schema,omitempty"`
	Name   string `json:"name"`
}
