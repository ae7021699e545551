package tasks

import (
	"sync/atomic"
	"time"
)

// A client that sends faster than its events are handled, and of whose events much is sent on,
// takes the processor from all others: their events, and the answers to them, would wait behind
// what it has broadcast. So while others have events as well, such a client has its turn and then
// waits.
//
// It is not meant for a client that sends much at once, nor for one that waits for answers, however
// fast it is.
const (
	// turnTasks is how many events are handled between two looks.
	turnTasks = 16
	// fewWaiting is how many events of a client may wait that is not ahead of its answers.
	fewWaiting = 8
	// turnRate is what all clients that are held back may cost in a second, together, and turnBurst
	// what each may before that. The unit is a message that goes to one client; an event costs
	// eventCost beside.
	turnRate  = 200_000
	turnBurst = 500_000
	eventCost = 5
	// othersFor is how long it is since another client had an event until none counts as having
	// any.
	othersFor = 2 * time.Second
	// turnDebt is what a client has to wait for at most, in seconds.
	turnDebt = 1
	// turnStep is after how long a client that waits is looked at: one that has left, or a server
	// that ends, waits no longer.
	turnStep = 100 * time.Millisecond
)

// shared is what is counted of all queues of a group.
type shared struct {
	runs    atomic.Uint64 // how often a queue began to be worked off
	tasks   atomic.Uint64 // that were looked at
	waiting atomic.Int32  // queues that wait for their turn
}

// turn is a queue's part of it.
type turn struct {
	tasks int    // since the last look
	runs  uint64 // of this queue
	*flood
}

// flood is what is known of a queue that has had events enough for a look.
type flood struct {
	at     time.Time // of the last look
	seen   seen      // then
	left   float64   // of what it may cost
	others time.Time // when another client was last seen to have an event
	told   bool
}

// seen is what was counted until a look.
type seen struct {
	own    uint64 // runs of this queue
	runs   uint64 // of all
	tasks  uint64 // looked at, of all
	copies uint64 // messages that broadcasts have sent, one for each client
}

// look charges for what was done since the last look, and returns how long that is to be waited
// for: not at all while nobody else has events. So many share what all may cost.
func (t *turn) look(now time.Time, s seen, share int32) time.Duration {
	f := t.flood
	if f == nil {
		t.flood = &flood{at: now, seen: s, left: turnBurst}
		return 0
	}
	elapsed, was := now.Sub(f.at).Seconds(), f.seen
	f.at, f.seen = now, s
	others := (s.runs - was.runs) - (s.own - was.own)
	if others > 0 {
		f.others = now
	}
	// What was broadcast meanwhile is taken for that of all events alike.
	part := turnTasks / float64(max(s.tasks-was.tasks, turnTasks)+others)
	rate := turnRate / float64(share)
	f.left = min(f.left+elapsed*rate, turnBurst) - turnTasks*eventCost - part*float64(s.copies-was.copies)
	f.left = max(f.left, -turnDebt*rate)
	if f.left >= 0 || now.Sub(f.others) > othersFor {
		return 0
	}
	return time.Duration(-f.left / rate * float64(time.Second))
}
