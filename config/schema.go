package config

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	ostiary "github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/policy"
	"github.com/ostiary/ostiary/validate"
)

var (
	plainName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	envName   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	scopeText = regexp.MustCompile(`^[\x21\x23-\x5b\x5d-\x7e]{1,256}$`) // scope-token of RFC 6749
)

// fileKind is the whole grammar: the decoder, the JSON Schema and the reference
// are made from it.
func fileKind() kind[File] {
	return object("the file", nil, checkFile,
		key("version", version(), func(f *File) *int { return &f.Version },
			"The version of this grammar; `1`, also if it is left out."),
		key("principals", section(named("a name", principalKind(), principalName)), func(f *File) *[]Principal { return &f.Principals },
			"Who has which scopes over stdio, where there is no token: one operating-system user a row."),
		key("scopes", section(named("a scope", scopeRow(), scopeName)), func(f *File) *[]Scope { return &f.Scopes },
			"Which scopes imply others, such as `\"fs:write\": {implies: [\"fs:read\"]}`; for every kind of caller alike. A scope without a row implies none."),
		key("upstreams", section(named("the name of a server", upstreamKind(), upstreamName)), func(f *File) *[]Upstream { return &f.Upstreams },
			"The MCP servers behind the door. `ostiary run --name NAME` takes the row of that name."),
		key("deny", section(list(denyKind(), true)), func(f *File) *[]Deny { return &f.Deny },
			"Rows that are looked at first and always win."),
		key("rules", section(list(ruleKind(), true)), func(f *File) *[]Rule { return &f.Rules },
			"What is allowed, and how. The most specific pattern speaks; ties and rows that can never match are errors."),
		key("limits", section(limitsKind()), func(f *File) *Limits { return &f.Limits },
			"The general bounds. What is left out keeps its default."),
		key("approvals", section(approvalsKind()), func(f *File) *Approvals { return &f.Approvals },
			"How long a person is waited for, and how they are told."),
		key("serve", section(serveKind()), func(f *File) *Serve { return &f.Serve },
			"The door over HTTP, which `ostiary serve` opens."),
		key("auth", section(authKind()), func(f *File) *Auth { return &f.Auth },
			"Who may call over HTTP. Without a row nobody but holders of API keys."),
		key("redact", section(redactKind()), func(f *File) *Redact { return &f.Redact },
			"Secrets and personal data in what comes back. What is left out is redacted."),
		key("untrusted", section(untrustedKind()), func(f *File) *Untrusted { return &f.Untrusted },
			"How what comes from outside is told from the operator's own words."),
		key("pin", section(pinKind()), func(f *File) *Pin { return &f.Pin },
			"Servers and tools that are not what they were when they were accepted."),
		key("audit", section(auditKind()), func(f *File) *Audit { return &f.Audit },
			"The evidence."),
		key("telemetry", section(telemetryKind()), func(f *File) *Telemetry { return &f.Telemetry },
			"What the operator's monitoring is told; the evidence does not depend on it."),
		later[File]("sandbox", "profiles that isolate a server's process"),
		later[File]("egress", "outbound network"),
		later[File]("flow", "information flow"),
		later[File]("store", "state that several doors share"),
	)
}

func version() kind[int] {
	const name = "the number 1"
	return scalar(name, map[string]any{"const": 1}, func(d *decoder, n ast.Node, out *int) {
		if _, ok := n.(*ast.IntegerNode); !ok {
			d.mismatch(n, name)
			return
		}
		if *out = 1; n.GetToken().Value != "1" {
			d.fail(n, "this door reads version 1 of the grammar, not version %s: write version: 1, or use a newer ostiary", d.show(n))
		}
	})
}

func checkFile(d *decoder, at Pos, f *File) {
	checkWebhookSecret(d, f.Approvals.Webhook, at)
	if len(f.Auth.Certificates) > 0 && f.Serve.ClientCA == "" {
		d.failAt(at, "auth.certificates counts certificates that TLS has verified, and none are: give serve.client_ca")
	}
	checkScopes(d, f)
	for i := range f.Upstreams {
		checkViews(d, &f.Upstreams[i])
	}
	checkEndpoints(d, f)
	users := map[string]string{}
	for _, p := range f.Principals {
		if other, twice := users[p.User]; twice {
			d.failAt(p.Pos, "the user %q is the principal %q already: give all scopes in one row", p.User, other)
		}
		users[p.User] = p.Name
	}
}

func principalKind() kind[Principal] {
	return placed(object("a principal", nil, nil,
		must(key("user", text("the name of an operating-system user"), func(p *Principal) *string { return &p.User },
			"The operating-system user that the client runs as.")),
		key("scopes", list(scope(), true), func(p *Principal) *[]string { return &p.Scopes },
			"The scopes that it holds, and with them what they imply by `scopes`."),
	), func(p *Principal) *Pos { return &p.Pos })
}

func principalName(d *decoder, k ast.Node, p *Principal) { p.Name = d.plainName(k) }

func upstreamName(d *decoder, k ast.Node, u *Upstream) { u.Name = d.plainName(k) }

func (d *decoder) plainName(k ast.Node) string {
	name := keyText(k)
	if !plainName.MatchString(name) {
		d.fail(k, "%q is no name: use letters, digits, dot, dash and underscore, at most 64 of them", brief(name))
	}
	return name
}

func scope() kind[string] {
	return checked("a scope such as fs:read", scopeText.String(), func(s string) error {
		if !scopeText.MatchString(s) {
			return fmt.Errorf("%q is no scope: a scope has no spaces, quotes or backslashes", brief(s))
		}
		return nil
	})
}

func upstreamKind() kind[Upstream] {
	k := placed(object("an upstream", nil, checkUpstream,
		key("command", list(text("a text"), false), func(u *Upstream) *[]string { return &u.Command },
			"The program and its arguments, not read by a shell. May be left out where the command line gives it. Without `cwd` it starts in the directory of this file."),
		key("env", environment(), func(u *Upstream) *map[string]string { return &u.Env },
			"Variables that are added to the few that a server gets. `${env:NAME}` and `${file:PATH}` are replaced, and what they give never reaches the log; `$${` stands for `${`."),
		key("pass_env", list(checked("the name of a variable", envName.String(), checkEnvName), false), func(u *Upstream) *[]string { return &u.PassEnv },
			"Variables that are passed on from the door's own environment."),
		key("cwd", path(), func(u *Upstream) *string { return &u.Cwd },
			"The server's working directory."),
		key("filesystem", filesystem(), func(u *Upstream) *bool { return &u.Remote },
			"`remote` where the server has another file system than the door, so that paths can be judged by their text alone. Default: `local`."),
		later[Upstream]("sandbox", "isolation of the server's process"),
		later[Upstream]("dangerously_unsandboxed", "isolation of the server's process"),
		key("url", remoteURL(), func(u *Upstream) *string { return &u.URL },
			"The endpoint of a server over streamable HTTP, for `ostiary serve`."),
		key("credential", pointer(credentialKind()), func(u *Upstream) **Credential { return &u.Credential },
			"What the door shows to the server at `url`. The caller's own credential never goes there."),
		key("allow_private", allowPrivate(), func(u *Upstream) *[]string { return &u.AllowPrivate }, allowPrivateDoc),
		key("views", named("the name of a view", viewKind(), viewName), func(u *Upstream) *[]View { return &u.Views },
			"The parts in which the server is offered, each an endpoint of its own name, with nothing in two of them. Rules go on naming the server. Default: it is offered whole."),
	), func(u *Upstream) *Pos { return &u.Pos })
	return k
}

func checkEnvName(s string) error {
	if !envName.MatchString(s) {
		return fmt.Errorf("%q is no name of a variable: use letters, digits and underscore", brief(s))
	}
	return nil
}

func filesystem() kind[bool] {
	w := word("local", "remote")
	return kind[bool]{w.shape, func(d *decoder, n ast.Node, out *bool) {
		var s string
		w.decode(d, n, &s)
		*out = s == "remote"
	}}
}

func environment() kind[map[string]string] {
	return texts("a variable", checkEnvName, func(d *decoder, _ ast.Node, name, v string) { d.noteSecret(name, v) })
}

// texts maps names of one sort to values that may be secret; keep sees each value.
func texts(sort string, check func(name string) error, keep func(d *decoder, at ast.Node, name, value string)) kind[map[string]string] {
	value := envValue()
	s := &shape{name: "a mapping from the name of " + sort + " to a text", values: value.shape, keyName: "the name of " + sort, empty: true}
	return kind[map[string]string]{s, func(d *decoder, n ast.Node, out *map[string]string) {
		pairs, ok := d.pairs(n, s.name)
		if !ok {
			return
		}
		*out = make(map[string]string, len(pairs))
		for _, p := range pairs {
			name, v := keyText(p.Key), ""
			if err := check(name); err != nil {
				d.fail(p.Key, "%s", err)
			}
			value.decode(d, p.Value, &v)
			(*out)[name] = v
			keep(d, p.Value, name, v)
		}
	}}
}

func targets() []string { return []string{"tool", "resource", "method"} }

// target reads the pattern of a row and what kind of target it names.
func target[S any](word string, k policy.Kind, at func(*S) (*policy.Kind, *string)) field[S] {
	text := checked("a pattern such as \"files/read_*\"", "^[^/]+/.+", checkPattern)
	docs := map[string]string{
		"tool":     "The tools that the row is about: `upstream/tool`; `*` stands for any run of characters.",
		"resource": "The resources that the row is about: `upstream/URI`, split at the first slash.",
		"method":   "The methods that the row is about: `upstream/method`, such as `*/sampling/createMessage`.",
	}
	return field[S]{
		fieldShape: fieldShape{key: word, doc: docs[word] + " One of `tool`, `resource`, `method`.", shape: text.shape},
		decode: func(d *decoder, n ast.Node, out *S) {
			kind, pattern := at(out)
			*kind = k
			text.decode(d, n, pattern)
		},
	}
}

func checkPattern(s string) error {
	up, rest, found := strings.Cut(s, "/")
	switch {
	case !found:
		return fmt.Errorf("%q has no slash: write upstream/target, such as \"files/read_*\", or \"*/%s\" for every upstream", brief(s), brief(s))
	case up == "" || rest == "":
		return fmt.Errorf("%q needs an upstream before the slash and a target behind it; * stands for any", brief(s))
	}
	return nil
}

func denyKind() kind[Deny] {
	at := func(r *Deny) (*policy.Kind, *string) { return &r.Kind, &r.Pattern }
	k := object("a deny row", targets(), func(d *decoder, at Pos, r *Deny) { r.Source = d.source(at) },
		target("tool", policy.Tool, at),
		target("resource", policy.Resource, at),
		target("method", policy.Method, at),
		key("args", denyArgsKind(), func(r *Deny) *[]validate.Argument { return &r.Args },
			"Which arguments the row is about, by name or JSON pointer, for every tool that has them; without it, every call."),
		key("when", text("a condition in CEL"), func(r *Deny) *string { return &r.When },
			"A condition in CEL that narrows the row."),
		key("reason", text("a text"), func(r *Deny) *string { return &r.Reason },
			"Why, for the record and for the refusal."),
	)
	return placed(k, func(r *Deny) *Pos { return &r.Pos })
}

func ruleKind() kind[Rule] {
	at := func(r *Rule) (*policy.Kind, *string) { return &r.Kind, &r.Pattern }
	k := object("a rule", targets(), checkRule,
		target("tool", policy.Tool, at),
		target("resource", policy.Resource, at),
		target("method", policy.Method, at),
		key("effect", effect(), func(r *Rule) *ostiary.Effect { return &r.Effect },
			"What the call does to the world. The tool's own annotations can only make it stricter. Left out: judged as a tool without a rule."),
		key("world", world(), func(r *Rule) *bool { return &r.Closed },
			"`closed` states that the call stays inside: it neither sends nor fetches anything. Default: `open`."),
		key("scope", oneOrMany(scope()), func(r *Rule) *[]string { return &r.Scopes },
			"What the principal must hold, all of it."),
		key("args", ruleArgsKind(), func(r *Rule) *[]validate.Argument { return &r.Args },
			"Typed validators by JSON pointer into the arguments, such as `/path`; `*` stands for every element."),
		key("when", text("a condition in CEL"), func(r *Rule) *string { return &r.When },
			"A condition in CEL over `call`, typed by the tool's own schema; false or failing denies."),
		key("limit", oneOrMany(ruleLimitKind()), func(r *Rule) *[]ostiary.RateLimit { return &r.Limits },
			"Rates of this row, beside the general ones."),
		key("anomaly", anomalyRuleKind(), func(r *Rule) *ostiary.AnomalyRule { return &r.Anomaly },
			"When calls of this row by one principal are far more than usual, where that differs from `limits.anomaly`."),
		key("timeout", duration(time.Millisecond, 24*time.Hour), func(r *Rule) *time.Duration { return &r.Timeout },
			"How long the call may run. Default: `limits.timeout`."),
		key("approve", approveKind(), func(r *Rule) *approve { return (*approve)(r) },
			"A person decides about every call; `{}` for the default channels."),
		key("grant", grantKind(), func(r *Rule) *ostiary.GrantRule { return &r.Grant },
			"The capabilities that expire and that a person gave beforehand: how long they may last here."),
		key("token", rewriteKind("token", "The argument; it is removed before anything else looks.", func(r *ostiary.Rewrite) *string { return &r.Token }),
			func(r *Rule) *ostiary.Rewrite { return &r.Rewrite },
			"The argument in which a caller may present a grant's token. `_meta` (`ostiary/grant`) counts everywhere."),
		key("confirm", confirmKind(), func(r *Rule) *confirm { return &r.confirm },
			"What becomes of a `confirm: true` from the model."),
		key("dry_run", rewriteKind("dry_run", "The boolean argument: forced on for the preview, off for the approved call.", func(r *ostiary.Rewrite) *string { return &r.DryRun }),
			func(r *Rule) *ostiary.Rewrite { return &r.Rewrite },
			"The tool's own dry run, for which you vouch: it shows the person what would happen."),
		key("preview", pointer(previewKind()), func(r *Rule) **Preview { return &r.Preview },
			"What the door itself shows the person; the call runs only while its target is the same."),
		key("idempotency", idempotencyKind(), func(r *Rule) *ostiary.IdempotencyRule { return &r.Idempotency },
			"A repeated call with the same key gets the first one's result and has no second effect."),
		key("output", outputKind(), func(r *Rule) *ostiary.OutputRule { return &r.Output },
			"How what comes back is treated. Left out: with care, as text from outside."),
		key("dangerously_unapproved", boolean(), func(r *Rule) *bool { return &r.Unapproved },
			"Lets `destructive`, `execute` and `spend` pass without a person."),
		key("dangerously_report_only", boolean(), func(r *Rule) *bool { return &r.ReportOnly },
			"Records what would be denied and lets it pass, for a roll-out."),
		later[Rule]("flow", "information flow"),
		later[Rule]("dangerously_private_and_open", "information flow"),
	)
	return placed(k, func(r *Rule) *Pos { return &r.Pos })
}

func checkRule(d *decoder, at Pos, r *Rule) {
	r.Source = d.source(at)
	if r.Approve && r.Unapproved {
		d.failAt(at, "a rule has approve and dangerously_unapproved: give only one of them")
	}
	if !r.confirm.Ignore {
		r.Rewrite.Strip = r.confirm.Arguments
	}
	if r.Grant.Only && r.Unapproved {
		d.failAt(at, "a rule has grant: {only: true} and dangerously_unapproved: give only one of them")
	}
	if r.Preview != nil && r.Rewrite.DryRun != "" {
		d.failAt(at, "a rule has dry_run and preview: give only one of them")
	}
}

// source names a row in records and messages.
func (d *decoder) source(at Pos) string { return fmt.Sprintf("%s:%d:%d", d.name, at.Line, at.Col) }

func world() kind[bool] {
	w := word("closed", "open")
	return kind[bool]{w.shape, func(d *decoder, n ast.Node, out *bool) {
		var s string
		w.decode(d, n, &s)
		*out = s == "closed"
	}}
}

func ruleLimitKind() kind[ostiary.RateLimit] {
	per := list(word("principal", "tool"), false)
	return object("a limit", nil, nil,
		must(key("rate", rate(), func(l *ostiary.RateLimit) *ostiary.RateLimit { return l },
			"A count, a slash and `s`, `min`, `h` or `day`; as many may come at once.")),
		field[ostiary.RateLimit]{
			fieldShape{key: "per", shape: per.shape, doc: "What is counted apart: `principal`, `tool` or both; without it all calls of the row count together."},
			func(d *decoder, n ast.Node, out *ostiary.RateLimit) {
				var words []string
				per.decode(d, n, &words)
				for _, w := range words {
					out.PerPrincipal = out.PerPrincipal || w == "principal"
					out.PerTool = out.PerTool || w == "tool"
				}
			},
		},
	)
}

// approve is a rule whose presence of the key says something.
type approve Rule

func approveKind() kind[approve] {
	k := object("approve", nil, func(_ *decoder, _ Pos, a *approve) { a.Approve = true },
		key("channels", list(word("console", "cli", "webhook", "client"), false), func(a *approve) *[]string { return &a.Row.Channels },
			"Where a person may decide: `console`, `cli`, `webhook`, `client`. For `destructive`, `execute` and `spend`, `client` counts only where it is named."),
	)
	return k
}

func limitsKind() kind[Limits] {
	r := func(name string, at func(*Limits) *ostiary.RateLimit, doc string) field[Limits] {
		return key(name, rate(), at, doc)
	}
	return object("limits", nil, nil,
		r("global", func(l *Limits) *ostiary.RateLimit { return &l.Global }, "Calls of everybody together. Default: `6000/min`."),
		r("per_principal", func(l *Limits) *ostiary.RateLimit { return &l.PerPrincipal }, "Calls of one principal. Default: `600/min`."),
		r("per_tool", func(l *Limits) *ostiary.RateLimit { return &l.PerTool }, "Calls of one tool by everybody. Default: `3000/min`."),
		r("per_principal_tool", func(l *Limits) *ostiary.RateLimit { return &l.PerPrincipalTool }, "Calls of one tool by one principal. Default: `300/min`."),
		r("effects_per_principal", func(l *Limits) *ostiary.RateLimit { return &l.EffectsPerPrincipal }, "Calls of one principal that have an effect. Default: `100/min`."),
		r("effects_per_principal_tool", func(l *Limits) *ostiary.RateLimit { return &l.EffectsPerPrincipalTool }, "Calls of one tool by one principal that have an effect. Default: `30/min`."),
		r("per_address", func(l *Limits) *ostiary.RateLimit { return &l.PerAddress }, "Requests over HTTP from one address, the first 64 bits of it in IPv6, before anybody looks at who sends them. Default: `6000/min`."),
		key("anomaly", anomalyKind(), func(l *Limits) *Anomaly { return &l.Anomaly }, "When calls are so many more than usual that somebody is told: in the evidence (`anomaly_raised`), the log and `approvals.webhook`."),
		key("concurrency", integer(1, 4096), func(l *Limits) *int { return &l.Concurrency }, "Calls of one principal at once. Default: `16`."),
		key("message", size(4<<10, 256<<20), func(l *Limits) *int { return &l.Message }, "The longest message. Default: `16MiB`."),
		key("timeout", duration(time.Millisecond, 24*time.Hour), func(l *Limits) *time.Duration { return &l.Timeout }, "How long a call may run. Default: `60s`."),
		key("stderr", size(1<<10, 16<<20), func(l *Limits) *int { return &l.Stderr }, "How much of a server's standard error is kept. Default: `64KiB`."),
		key("shutdown", duration(time.Millisecond, 5*time.Minute), func(l *Limits) *time.Duration { return &l.Shutdown }, "The grace for calls in flight when the door closes. Default: `5s`."),
		key("catalog", duration(time.Millisecond, 10*time.Minute), func(l *Limits) *time.Duration { return &l.Catalog }, "How long calls wait for the list of a server's tools before they are denied. Default: `10s`."),
	)
}

func auditKind() kind[Audit] {
	return object("audit", nil, checkCheckpoints,
		key("checkpoint_to", oneOrMany(checkpointTo()), func(a *Audit) *[]string { return &a.CheckpointTo },
			"Where each signed checkpoint is written too: a path, `syslog` or an https URL. Truncation and rollback show only against a checkpoint that is kept elsewhere."),
		key("allow_private", allowPrivate(), func(a *Audit) *[]string { return &a.AllowPrivate }, allowPrivateDoc),
		key("segment", size(1<<20, 1<<30), func(a *Audit) *int { return &a.Segment },
			"The size at which a new segment of the log begins. Default: `64MiB`."),
		key("reserve", size(1<<20, 1<<40), func(a *Audit) *int { return &a.Reserve },
			"How much of the log's disk is kept for callers who are known: with less left, what is refused of others is counted and not written. Default: `256MiB`."),
	)
}

func checkpointTo() kind[string] {
	file := path()
	s := *file.shape
	s.name = "a path, syslog or an https URL"
	return kind[string]{&s, func(d *decoder, n ast.Node, out *string) {
		t, ok := plain(d, n, s.name)
		switch {
		case !ok:
		case t == "syslog:", t == "syslog":
			*out = "syslog:"
		case strings.HasPrefix(t, "https://"):
			if err := checkURL(t); err != nil {
				d.fail(n, "%s", err)
			}
			*out = t
		case strings.Contains(t, "://") || strings.HasPrefix(t, "syslog:"):
			d.fail(n, "expected %s, found %s", s.name, d.show(n))
		default:
			file.decode(d, n, out)
		}
	}}
}

func checkURL(t string) error {
	u, err := url.Parse(t)
	switch {
	case err != nil || u.Host == "":
		return errors.New("this is no URL: write https://host/path")
	case u.User != nil:
		return errors.New("a URL here cannot hold a name and password: they would be written to the log")
	}
	return nil
}
