package ostiary

import "strings"

// Code is a stable reason for a refusal: the room, an underscore, the reason.
// A Code is an error, so that errors.Is(err, CodeX) works.
type Code string

// Error implements error.
func (c Code) Error() string { return string(c) }

// The closed list. docs/reference/codes.md documents each.
const (
	CodeInternal Code = "internal_error"
	CodePanic    Code = "internal_panic"

	CodeWireParse     Code = "wire_parse"         // not JSON
	CodeWireEnvelope  Code = "wire_envelope"      // not a JSON-RPC 2.0 message
	CodeWireDuplicate Code = "wire_duplicate_key" // a key twice, or twice but for case
	CodeWireUTF8      Code = "wire_utf8"          // invalid UTF-8 or a lone surrogate
	CodeWireTrailing  Code = "wire_trailing"      // data behind the message
	CodeWireBatch     Code = "wire_batch"         // a batch
	CodeWireDepth     Code = "wire_depth"         // nested too deeply
	CodeWireSize      Code = "wire_size"          // too long
	CodeWireParams    Code = "wire_params"        // params, or what a method needs in it, of the wrong kind
	CodeWireID        Code = "wire_id"            // an id that is illegal, in use or reserved
	CodeWireVersion   Code = "wire_version"       // a protocol revision that is not known

	CodeAuthNobody Code = "auth_nobody"

	CodeLimitRate        Code = "limit_rate"
	CodeLimitConcurrency Code = "limit_concurrency"
	CodeLimitTimeout     Code = "limit_timeout"
	CodeLimitSize        Code = "limit_size"

	CodePolicyDeny    Code = "policy_deny"    // a deny row
	CodePolicyScope   Code = "policy_scope"   // a scope is missing
	CodePolicyWhen    Code = "policy_when"    // a condition is false or failed
	CodePolicyMethod  Code = "policy_method"  // a method that no rule allows
	CodePolicyUnknown Code = "policy_unknown" // a tool that the upstream does not list
	CodePolicyCatalog Code = "policy_catalog" // the upstream's catalog is not known
	CodePolicyRule    Code = "policy_rule"    // the rule for this tool does not compile

	CodeValidateSchema   Code = "validate_schema"
	CodeValidateMissing  Code = "validate_missing"
	CodeValidateType     Code = "validate_type"
	CodeValidatePath     Code = "validate_path"
	CodeValidateCommand  Code = "validate_command"
	CodeValidateSQL      Code = "validate_sql"
	CodeValidateURL      Code = "validate_url"
	CodeValidateEnum     Code = "validate_enum"
	CodeValidatePattern  Code = "validate_pattern"
	CodeValidateMaxBytes Code = "validate_max_bytes"
	CodeValidateRange    Code = "validate_range"

	CodeApprovalRequired Code = "approval_required"

	CodeAuditUnavailable Code = "audit_unavailable" // the evidence cannot be written
	CodeAuditBroken      Code = "audit_broken"      // verification found a change

	CodeStoreUnavailable Code = "store_unavailable" // state that outlives a call cannot be read or written
	CodeStoreBusy        Code = "store_busy"        // others held the store for too long; nothing was changed
	CodeStoreSchema      Code = "store_schema"      // a newer version wrote the store

	CodeGatewayUpstream  Code = "gateway_upstream"  // the server ended, cannot be started or does not speak MCP
	CodeGatewayShutdown  Code = "gateway_shutdown"  // the door is closing
	CodeGatewayCancelled Code = "gateway_cancelled" // the client withdrew the call
	CodeGatewayLate      Code = "gateway_late"      // an answer after its call had ended
	CodeGatewayOrphan    Code = "gateway_orphan"    // an answer to no call

	CodeConfigInvalid Code = "config_invalid"
	CodeConfigLayer   Code = "config_layer" // a key whose layer is not built yet
	CodeStateUnsafe   Code = "state_unsafe" // key or state that others can read or change
)

// reportable reports whether dangerously_report_only lets a denial pass: only
// what the rule itself says. Deny rows, a caller who is nobody, limits, failures
// and rules that do not compile deny all the same.
func (c Code) reportable() bool {
	switch c {
	case CodePolicyScope, CodePolicyWhen, CodeApprovalRequired:
		return true
	}
	return strings.HasPrefix(string(c), "validate_")
}
