package engineio

import "time"

// To wake the flusher costs as much as some deliveries: its thread sleeps, and the scheduler looks
// for one and has it look for work. So whoever ends a small round writes it out, as long as rounds
// come one at a time. When they come faster than that, the flusher is better: it joins what waits
// for a session into one write.
const (
	// fewSessions is how many a broadcaster writes to in any case but a loop, and severalSessions as
	// long as rounds come one at a time: the handler that broadcasts waits for that, 3 µs a session.
	fewSessions     = 32
	severalSessions = 128
	// severalBytes is what may be sent to several: with larger messages the wake-up is nothing beside
	// the writing, which takes a millisecond.
	severalBytes = 512 << 10
	// rapid is how soon a round follows another when somebody broadcasts in a loop, and soon when the
	// message behind it was there already. A client that answers what it has received takes longer.
	rapid = 5 * time.Microsecond
	soon  = 30 * time.Microsecond
	// joinFor is for how long rounds to several are left to the flusher once one of them came too
	// soon.
	joinFor = 10 * time.Millisecond
)

// direct is what a flusher knows of the rounds that are not written by itself.
type direct struct {
	several   bool          // one to several is being written
	joinUntil time.Duration // by the flusher's clock: such rounds go to the flusher until then
}

// directly writes a small round, unless it is better left to the flusher, and reports whether it
// did. More than a few who poll are left to it: until the flusher wakes, more gathers for the same
// answer.
func (f *flusher) directly(r *Round) bool {
	several := len(r.dirty) > fewSessions
	switch {
	case len(r.dirty) > severalSessions:
		return false
	case several && (r.polling > fewSessions || r.bytes > severalBytes):
		return false
	case !f.beginDirect(several):
		return false
	}
	flush(r.dirty)
	if several {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.direct.several = false
	}
	return true
}

// beginDirect reports whether a small round should be written by who ends it.
func (f *flusher) beginDirect(several bool) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Since(f.since)
	gap := now - time.Duration(f.ended.Load())
	idle := len(f.list) == 0
	if !several {
		return idle && gap >= rapid
	}
	if !idle || f.working > 0 || f.direct.several || gap < soon {
		f.direct.joinUntil = now + joinFor
	}
	if now < f.direct.joinUntil {
		return false
	}
	f.direct.several = true
	return true
}
