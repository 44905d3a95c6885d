package main

import (
	"context"
	"encoding/json"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
)

// provedJSON is a record with its body and what proves it.
type provedJSON struct {
	Record json.RawMessage `json:"record"`
	Body   json.RawMessage `json:"body,omitempty"`
	// Line is the record byte for byte: the leaf of the tree.
	Line  string         `json:"line"`
	Proof audit.Evidence `json:"proof"`
}

// proveCall prints the records of a call with their proofs. The index is not
// believed: a record whose line is not the leaf that the log has is an error.
func (p program) proveCall(ctx context.Context, dir string, found []audit.Found) error {
	numbers := map[string][]int64{}
	for _, f := range found {
		numbers[f.Record.Log] = append(numbers[f.Record.Log], f.Record.N)
	}
	proofs := map[string][]audit.Evidence{}
	for log, ns := range numbers {
		var err error
		if proofs[log], err = audit.Prove(ctx, dir, log, ns); err != nil {
			return readable(err)
		}
	}
	records := make([]provedJSON, len(found))
	for i, f := range found {
		log := f.Record.Log
		proof := proofs[log][0]
		proofs[log] = proofs[log][1:]
		if tlog.RecordHash(f.Line).String() != proof.Leaf {
			return readable(&ostiary.Error{Code: ostiary.CodeAuditBroken, Message: fmt.Sprintf(
				"the index has another record %d of log %s than the log: delete audit/index.sqlite in the state directory, and run `ostiary audit verify`", f.Record.N, log)})
		}
		one := provedJSON{Record: f.Line, Line: string(f.Line), Proof: proof}
		if f.Body != nil {
			one.Body = f.Body
		}
		records[i] = one
	}
	return p.printJSON(struct {
		Call    string       `json:"call"`
		Records []provedJSON `json:"records"`
	}{found[0].Record.Call, records})
}
