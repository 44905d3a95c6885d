package audit

import "github.com/ostiary/ostiary"

var _ ostiary.Journal = (*Log)(nil)

// Note implements [ostiary.Journal].
func (l *Log) Note(e ostiary.Event) error {
	if e.Name == "" {
		return misused("an event without a name")
	}
	return l.own(&Record{
		Kind: KindEvent, Code: e.Name, Subject: cut(e.Subject, maxName),
		Call: cut(e.Call, maxName), Principal: cut(e.Principal, maxName), Session: cut(e.Session, maxName),
		Upstream: cut(e.Upstream, maxName), Target: l.redacted(e.Target, maxName),
		By: cut(e.By, maxName), Channel: cut(e.Channel, maxName),
		Reason: l.redacted(e.Reason, maxText), Detail: l.redacted(e.Detail, maxText),
		Policy: l.opts.PolicyDigest,
	})
}
