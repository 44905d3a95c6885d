package main

import (
	"time"

	"github.com/ostiary/ostiary/approval"
)

// custodyToday is what every door there is today writes into its records: it
// runs over stdio, as the user of the client that started it.
const custodyToday = "same-user"

// custodies are what each custody resists and what not.
var custodies = map[string]string{
	"same-user": "resists manipulation through tools; it does not resist an agent that has a shell as the same user: " +
		"that can edit files and run commands as that person, the policy, the key and the log included",
	"separate": "would resist that, because the door runs as another user or on another machine and relaxing commands need a sign-in there; " +
		"such a door is designed and not built yet",
}

// recorded compares what the newest record says with what is claimed here.
func (x *examination) recorded(custody string) {
	if custody != custodyToday {
		x.say("custody", isWrong, "find out which program wrote it: `ostiary audit tail`", "the newest record says custody %q, and a door of this version writes %q", custody, custodyToday)
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
		x.say("notify", isWarn, "leave `ostiary approvals watch` open, or set approvals.webhook", "nobody is told of requests: there is no webhook, and no desktop here to show them on, or it is switched off")
	}
}

// claims says what the door does not resist, in every case.
func (x *examination) claims() {
	x.say("sandbox", isWarn, "start only servers that you trust with what this user can do",
		"none: a server is a program that runs with your rights, and each record says so")
	x.say("custody", isWarn, "give an agent that you do not trust no shell as this user; see \"What it does not claim\" in the README",
		"same-user: %s. separate: %s", custodies["same-user"], custodies["separate"])
}
