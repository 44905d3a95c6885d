package main

import (
	"time"

	"github.com/ostiary/ostiary/approval"
	"github.com/ostiary/ostiary/audit"
)

// custodies are what each custody resists and what not.
var custodies = map[string]string{
	audit.CustodySameUser: "resists manipulation through tools; it does not resist an agent that has a shell as the same user: " +
		"that can edit files and run commands as that person, the policy, the key and the log included",
	audit.CustodySeparate: "resists that too, as far as the agent's user cannot become the door's: the door runs as another user, " +
		"the client's configuration holds only `ostiary connect`, and who relaxes must be the door's user",
}

// recorded compares what the newest record says with what a door of this version
// can write.
func (x *examination) recorded(custody string) {
	if custodies[custody] == "" {
		x.say("custody", isWrong, "find out which program wrote it: `ostiary audit tail"+x.again+"`", "the newest record says custody %q, and no door of this version writes that", custody)
	}
}

// earliest is before the first version of this program.
func earliest() time.Time { return time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC) }

// ahead is how far in the future a record may be before the clock is suspected.
const ahead = 5 * time.Second

func (x *examination) clock() {
	const next = "set the clock of this machine, and let it be kept by NTP: expiries of approvals and grants go by it"
	switch now := x.now.Local().Format("2006-01-02 15:04:05-07:00"); {
	case x.now.Before(earliest()):
		x.say("clock", isWrong, next, "it says %s, which is before this program was written", now)
	case x.newest.After(x.now.Add(ahead)):
		x.say("clock", isWrong, next, "it says %s, and the newest record is of %s: it was set back, or was wrong then", now, x.newest.Local().Format("2006-01-02 15:04:05-07:00"))
	default:
		x.say("clock", isFine, "", "it says %s, and no record is newer", now)
	}
}

// notify says how a person learns of a request. All of them can be answered with
// `ostiary approvals` in any case.
func (x *examination) notify() {
	if x.file == nil {
		return // the policy says how, and it does not load
	}
	told := false
	if x.file.Approvals.Webhook != nil {
		told = true
		x.say("notify", isFine, "", "requests are posted to the webhook of the policy")
	}
	if x.file.Approvals.Desktop {
		if _, there := approval.NewDesktop(approval.DesktopOptions{}); there {
			told = true
			x.say("notify", isFine, "", "requests are shown on this desktop")
		}
	}
	if !told {
		x.say("notify", isWarn, "leave `ostiary approvals watch"+x.again+"` open, or set approvals.webhook", "nobody is told of requests: there is no webhook, and no desktop here to show them on, or it is switched off")
	}
}

// claims says what the door does not resist, in every case.
func (x *examination) claims() {
	x.say("sandbox", isWarn, "start only servers that you trust with what this user can do",
		"none: a server is a program that runs with your rights, and each record says so")
	if x.file != nil && x.file.Serve.Socket != "" {
		x.say("custody", isFine, "run `ostiary doctor --door "+oneWord(x.file.Serve.Socket)+"` as the user of the client, which tells more",
			"calls of other users by the socket are separate, those of this user and those over TCP same-user. separate: %s", custodies[audit.CustodySeparate])
		return
	}
	x.say("custody", isWarn, "give an agent that you do not trust no shell as this user, or let another user run the door: docs/guides/separate-custody.md",
		"same-user: %s. separate: %s", custodies[audit.CustodySameUser], custodies[audit.CustodySeparate])
}
