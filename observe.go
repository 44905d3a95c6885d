package ostiary

// Observer is told how calls go, for telemetry. It is no recorder: it has no say,
// nothing waits for what it does with what it hears, and losing it changes neither a
// decision nor a record. It is used by many goroutines at once and must not block.
//
// It sees the whole Call, secrets included; what it passes on is its own to bound.
type Observer interface {
	// Begin is told of a call before anything else is. What it returns is told of the
	// rest; nil is told nothing.
	Begin(c *Call) Watch
}

// Watch is told of one call, by the goroutine that has the call.
type Watch interface {
	// Stage is told what a gate or the settler decided. Decision.Stage names it.
	Stage(d Decision)
	// Run is told that the call passed and is carried out now, Ran that it came back.
	Run()
	Ran()
	// End is told how the call ended, as the caller learns it: also that its outcome
	// could not be recorded. It is the last.
	End(o Outcome)
}

// course is the evidence of one call, and who watches it; nil is nobody.
type course struct {
	Entry
	watch Watch
}

// watched tells the observer of a call. What panics there watches nothing.
func (l *Line) watched(c *Call) (w Watch) {
	if l.o.Observer == nil {
		return nil
	}
	defer func() {
		if recover() != nil {
			w = nil
		}
	}()
	return l.o.Observer.Begin(c)
}

// tellStage, tellRun, tellRan and tellEnd keep what happens in a watch from the call.
func tellStage(w Watch, d *Decision) {
	if w != nil {
		defer unheard()
		w.Stage(*d)
	}
}

func tellRun(w Watch) {
	if w != nil {
		defer unheard()
		w.Run()
	}
}

func tellRan(w Watch) {
	if w != nil {
		defer unheard()
		w.Ran()
	}
}

func tellEnd(w Watch, o *Outcome) {
	if w != nil {
		defer unheard()
		w.End(*o)
	}
}

// unheard drops a panic: an observer's failure is nobody's but its own.
func unheard() { _ = recover() }
