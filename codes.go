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
	CodeWireMeta      Code = "wire_meta"          // params._meta lacks what the revision requires
	CodeWireHeader    Code = "wire_header"        // an HTTP header that does not say what the body says

	CodeAuthNobody      Code = "auth_nobody"
	CodeAuthMissing     Code = "auth_missing"     // no credential
	CodeAuthMalformed   Code = "auth_malformed"   // an Authorization header that is not one bearer token
	CodeAuthAmbiguous   Code = "auth_ambiguous"   // two credentials at once
	CodeAuthQuery       Code = "auth_query"       // a credential in the URL
	CodeAuthToken       Code = "auth_token"       // no token that the issuer signed
	CodeAuthAlgorithm   Code = "auth_algorithm"   // a signature of a kind that is not accepted
	CodeAuthIssuer      Code = "auth_issuer"      // an issuer that is not configured
	CodeAuthAudience    Code = "auth_audience"    // a token for somebody else
	CodeAuthExpired     Code = "auth_expired"     // its time is over
	CodeAuthEarly       Code = "auth_early"       // its time has not begun
	CodeAuthClaims      Code = "auth_claims"      // a token that names nobody
	CodeAuthInactive    Code = "auth_inactive"    // the issuer says that the token does not count
	CodeAuthKey         Code = "auth_key"         // no such API key
	CodeAuthRevoked     Code = "auth_revoked"     // an API key that was taken back
	CodeAuthInvalid     Code = "auth_invalid"     // an API key that cannot be made like this
	CodeAuthCertificate Code = "auth_certificate" // a client certificate that names nobody
	CodeAuthUnavailable Code = "auth_unavailable" // the issuer cannot be asked

	CodeLimitRate        Code = "limit_rate"
	CodeLimitConcurrency Code = "limit_concurrency"
	CodeLimitTimeout     Code = "limit_timeout"
	CodeLimitSize        Code = "limit_size"

	CodePolicyDeny    Code = "policy_deny"    // a deny row
	CodePolicyScope   Code = "policy_scope"   // a scope is missing
	CodePolicyWhen    Code = "policy_when"    // a condition is false or failed
	CodePolicyMethod  Code = "policy_method"  // a method that no rule allows
	CodePolicyUnknown Code = "policy_unknown" // a tool that the upstream does not list
	CodePolicyView    Code = "policy_view"    // two views of the upstream have this tool
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

	CodeApprovalRequired Code = "approval_required" // a person decides, and nobody can be asked
	CodeApprovalPending  Code = "approval_pending"  // a person was asked and has not answered yet
	CodeApprovalDenied   Code = "approval_denied"   // a person said no
	CodeApprovalExpired  Code = "approval_expired"  // nobody answered in time, or the call came too late
	CodeApprovalVoid     Code = "approval_void"     // what was approved has changed
	CodeApprovalUsed     Code = "approval_used"     // the approval let a call pass already
	CodeApprovalFull     Code = "approval_full"     // too many requests of one principal wait for a person
	CodeApprovalState    Code = "approval_state"    // a requestState that the door did not make for this call
	CodeApprovalUnknown  Code = "approval_unknown"  // no request has this id

	CodeGrantMisplaced Code = "grant_misplaced" // a token where the server would get it
	CodeGrantUnknown   Code = "grant_unknown"   // no such grant, or not the caller's
	CodeGrantExpired   Code = "grant_expired"   // its time is over
	CodeGrantRevoked   Code = "grant_revoked"   // somebody took it back
	CodeGrantUsed      Code = "grant_used"      // it has no uses left
	CodeGrantMismatch  Code = "grant_mismatch"  // it does not cover this call
	CodeGrantGuessing  Code = "grant_guessing"  // too many tokens that are none
	CodeGrantInvalid   Code = "grant_invalid"   // a grant that cannot be made like this
	CodeGrantRequired  Code = "grant_required"  // only a grant lets this call pass

	CodeIdempotencyRequired Code = "idempotency_required" // the rule wants a key
	CodeIdempotencyInvalid  Code = "idempotency_invalid"  // this is no key
	CodeIdempotencyConflict Code = "idempotency_conflict" // the key belongs to another call
	CodeIdempotencyRunning  Code = "idempotency_running"  // the first call with this key still runs
	CodeIdempotencyUnknown  Code = "idempotency_unknown"  // whether the first call took effect is unknown

	CodeFreezeActive  Code = "freeze_active"  // the operator stopped such calls
	CodeFreezeUnknown Code = "freeze_unknown" // nothing like that is frozen

	CodePreviewFailed Code = "preview_failed" // what a call would do cannot be shown

	CodeRedactSecret  Code = "redact_secret"  // a rule keeps back what holds such a secret
	CodeRedactSchema  Code = "redact_schema"  // what is left would break the tool's own output schema
	CodeRedactUnknown Code = "redact_unknown" // no such finding or exception

	CodeUntrustedSignal Code = "untrusted_signal" // a rule keeps back what reads like an instruction

	CodePinChanged   Code = "definition_changed" // a tool is not what it was when it was accepted
	CodePinUpstream  Code = "pin_upstream"       // the server itself is another one
	CodePinShadowing Code = "pin_shadowing"      // a tool that passes for another server's
	CodePinUnknown   Code = "pin_unknown"        // nothing like that is pinned

	CodeIncidentBroken Code = "incident_broken" // an exported archive does not verify

	CodeAuditUnavailable Code = "audit_unavailable" // the evidence cannot be written
	CodeAuditBroken      Code = "audit_broken"      // verification found a change

	CodeStoreUnavailable Code = "store_unavailable" // state that outlives a call cannot be read or written
	CodeStoreBusy        Code = "store_busy"        // others held the store for too long; nothing was changed
	CodeStoreSchema      Code = "store_schema"      // a newer version wrote the store

	CodeEgressHost        Code = "egress_host"        // a host or URL that can be read in two ways
	CodeEgressAddress     Code = "egress_address"     // an address that the door does not connect to
	CodeEgressRedirect    Code = "egress_redirect"    // a redirect that is not followed
	CodeEgressSize        Code = "egress_size"        // an answer that is too long
	CodeEgressUnreachable Code = "egress_unreachable" // no connection

	CodeCredentialMissing     Code = "credential_missing"     // the operator gave this principal none for the server
	CodeCredentialUnavailable Code = "credential_unavailable" // the file, program or issuer gives none

	CodeGatewayUpstream  Code = "gateway_upstream"  // the server ended, cannot be started or does not speak MCP
	CodeGatewayCircuit   Code = "gateway_circuit"   // the server failed too often and is left alone for a while
	CodeGatewayShutdown  Code = "gateway_shutdown"  // the door is closing
	CodeGatewayCancelled Code = "gateway_cancelled" // the client withdrew the call
	CodeGatewayLate      Code = "gateway_late"      // an answer after its call had ended
	CodeGatewayOrphan    Code = "gateway_orphan"    // an answer to no call
	CodeGatewayHTTP      Code = "gateway_http"      // an HTTP request that is none of the protocol
	CodeGatewayHost      Code = "gateway_host"      // a Host that is not one of the server's, or an Origin that may not call
	CodeGatewayTask      Code = "gateway_task"      // a task that is not there, or somebody else's
	CodeGatewaySession   Code = "gateway_session"   // a session over HTTP that is not there, or somebody else's

	CodeConfigInvalid Code = "config_invalid"
	CodeConfigLayer   Code = "config_layer" // a key whose layer is not built yet
	CodeStateUnsafe   Code = "state_unsafe" // key or state that others can read or change
)

// reportable reports whether dangerously_report_only lets a denial pass: only
// what the rule itself says. Deny rows, a caller who is nobody, limits, failures
// and rules that do not compile deny all the same.
func (c Code) reportable() bool {
	switch c {
	case CodePolicyScope, CodePolicyWhen, CodeApprovalRequired, CodeGrantRequired, CodeIdempotencyRequired:
		return true
	}
	return strings.HasPrefix(string(c), "validate_")
}
