package approval

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/internal/visible"
)

// DesktopOptions are what [NewDesktop] needs; all have a default.
type DesktopOptions struct {
	// Program is the absolute path of notify-send; by default the one in a
	// directory of the system. PATH is not asked: an agent may have put
	// something there.
	Program string
	// Getenv is os.Getenv by default. It says where the desktop is.
	Getenv func(string) string
	// Redact takes secrets out of a text; without it the text is as it is.
	Redact func(string) string
	// Logger hears what the program said when it failed; silence by default.
	Logger *slog.Logger
}

const (
	desktopTimeout = 5 * time.Second
	desktopAtOnce  = 4
	desktopTarget  = 120
	desktopName    = 60
)

// desktop tells the person at this machine that somebody waits.
type desktop struct {
	program string
	env     []string
	redact  func(string) string
	log     *slog.Logger
	slots   chan struct{}
}

// NewDesktop returns a notifier for the desktop of this session, and false where
// there is none: no notify-send, no session bus or no display. That is looked for
// once.
func NewDesktop(o DesktopOptions) (Notifier, bool) {
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	env, there := desktopSession(o.Getenv)
	program := notifyProgram(o.Program)
	if !there || program == "" {
		return nil, false
	}
	if o.Redact == nil {
		o.Redact = func(s string) string { return s }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &desktop{program: program, env: env, redact: o.Redact, log: o.Logger, slots: make(chan struct{}, desktopAtOnce)}, true
}

// notifyProgram returns the absolute path of the program, or "".
func notifyProgram(named string) string {
	candidates := []string{named}
	if named == "" {
		candidates = []string{"/usr/bin/notify-send", "/usr/local/bin/notify-send", "/run/current-system/sw/bin/notify-send"}
	}
	for _, path := range candidates {
		if info, err := os.Stat(path); filepath.IsAbs(path) && err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path
		}
	}
	return ""
}

// desktopSession returns the environment that leads to the desktop, and nothing
// else of ours.
func desktopSession(getenv func(string) string) (env []string, there bool) {
	bus, display := getenv("DBUS_SESSION_BUS_ADDRESS") != "", getenv("WAYLAND_DISPLAY") != "" || getenv("DISPLAY") != ""
	if dir := getenv("XDG_RUNTIME_DIR"); !bus && filepath.IsAbs(dir) {
		info, err := os.Stat(filepath.Join(dir, "bus"))
		bus = err == nil && info.Mode()&os.ModeSocket != 0
	}
	for _, name := range []string{"DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "WAYLAND_DISPLAY", "DISPLAY", "XAUTHORITY", "HOME", "LANG", "LC_ALL"} {
		if v := getenv(name); v != "" {
			env = append(env, name+"="+v)
		}
	}
	return env, bus && display
}

// Name implements [Notifier].
func (d *desktop) Name() string { return "desktop" }

// Notify implements [Notifier]. It starts the program and does not wait for it; a
// desktop that hangs costs a few processes for a few seconds.
func (d *desktop) Notify(ctx context.Context, r Request) error {
	select {
	case d.slots <- struct{}{}:
	default:
		return d.untold(fmt.Errorf("%d notifications have not ended", desktopAtOnce))
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), desktopTimeout)
	c := exec.CommandContext(ctx, d.program, "--app-name=Ostiary", "--icon=dialog-warning", "--", "Approval needed", d.text(&r))
	c.Env, c.Dir, c.WaitDelay = d.env, "/", time.Second
	if err := c.Start(); err != nil {
		stop()
		<-d.slots
		return d.untold(err)
	}
	go func() {
		defer func() { stop(); <-d.slots }()
		if err := c.Wait(); err != nil {
			d.log.Warn("the desktop notification failed", "request", r.ID, "err", err)
		}
	}()
	return nil
}

// text is the body. Desktops read markup in it, and notify-send the escapes of C.
func (d *desktop) text(r *Request) string {
	line := func(s string, most int) string { return visible.Line(d.redact(s), most) }
	s := fmt.Sprintf("%s asks for %s/%s (%s).\nostiary approvals show%s %s",
		line(r.Principal, desktopName), line(r.Upstream, desktopName), line(r.Target, desktopTarget), line(cmp.Or(r.Effect, "no effect known"), desktopName), r.flags, line(r.ID, desktopName))
	if len(r.Warnings) > 0 {
		s += "\nWarning: " + line(strings.Join(r.Warnings, "; "), desktopTarget)
	}
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `\`, `\\`).Replace(s)
}

func (d *desktop) untold(err error) error {
	return &ostiary.Error{Code: ostiary.CodeApprovalRequired, Reason: "desktop", Err: err,
		Message: "no desktop notification told of this request; it can still be answered: ostiary approvals"}
}
