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

// direct is what a flusher knows of the rounds to several that it does not write itself. Its owner
// guards it.
type direct struct {
	several   bool          // one is being written
	joinUntil time.Duration // by the flusher's clock: they go to the flusher until then
}

// begin reports whether a round to several may be written now by who ends it, who calls end then.
// busy is whether others are being written or wait for that, and gap how long ago the last was
// queued.
func (d *direct) begin(now, gap time.Duration, busy bool) bool {
	if busy || d.several || gap < soon {
		d.joinUntil = now + joinFor
	}
	if now < d.joinUntil {
		return false
	}
	d.several = true
	return true
}

func (d *direct) end() { d.several = false }
