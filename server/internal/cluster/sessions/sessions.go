// Package sessions owns what Redis has of clients that may come back to any server, with a
// Redis stream and recovery: that a session is there while its client is connected, and for
// a while after it was cut off; who has it; and that one server at a time does. What a
// client missed is in the stream, and not its concern.
//
// A session is one key, in the form of Node's @socket.io/redis-streams-adapter, whose
// servers take it and leave it as they do each other's. It begins with the server that has
// it. Whoever takes it from a Hipflask server puts its own name there in the same step, so
// from then on nothing that the other one still writes is taken: so that of two servers that
// believe they have a client, one finds out that it has not.
package sessions

import (
	"errors"
	"time"

	"hipflask/server/internal/fanout"
)

// Begin has a session kept: see [fanout.Sessions].
func (k *Keeper) Begin(pid string, of fanout.Kept) {
	k.mu.Lock()
	if k.closed || pid == "" {
		k.mu.Unlock()
		return
	}
	if old := k.kept[pid]; old != nil {
		k.removeLocked(old)
	}
	e := &entry{pid: pid, of: of, changed: 1, progress: make(chan struct{})}
	k.kept[pid] = e
	k.queueLocked(e)
	k.mu.Unlock()
	k.Saved(pid)
}

// Changed has a session written anew.
func (k *Keeper) Changed(pid string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if e := k.kept[pid]; e != nil && !e.over {
		e.changed++
		k.queueLocked(e)
	}
}

// Saved waits until what has changed before is in Redis, for saveTime at most, and while
// Redis is away not at all.
func (k *Keeper) Saved(pid string) {
	k.mu.Lock()
	e := k.kept[pid]
	if e == nil {
		k.mu.Unlock()
		return
	}
	change := e.changed
	k.mu.Unlock()
	timeout := time.NewTimer(saveTime)
	defer timeout.Stop()
	if k.await(e, timeout.C, func() bool { return k.away || e.lost || e.discard || e.written >= change }) {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.noteLocked(errLate)
}

var errLate = errors.New("no answer in time")

// End is for a client that is gone.
func (k *Keeper) End(pid string, mayComeBack bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	e := k.kept[pid]
	switch {
	case e == nil && !mayComeBack && !k.closed: // it was never connected
		k.discardLocked(pid)
	case e == nil || e.over:
	case !mayComeBack:
		k.overLocked(e)
		k.discardLocked(pid)
	case k.ended >= maxEnded:
		k.removeLocked(e)
	default:
		e.changed++ // its disconnect handler may have changed something, and it has less time from now on
		k.overLocked(e)
		k.queueLocked(e)
	}
}

// Discard forgets a session.
func (k *Keeper) Discard(pid string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.closed {
		k.discardLocked(pid)
	}
}
