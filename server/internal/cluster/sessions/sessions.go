// Package sessions owns what Redis has of clients that may come back to any server, with a Redis
// stream and recovery: that a session is there while its client is connected, and for a while after
// it was cut off; which server has it; and that one server at a time does. What a client missed is
// in the stream, and not this package's concern.
//
// A session is one key, in the form of Node's @socket.io/redis-streams-adapter, whose servers take
// it and leave it as they do each other's. It begins with the server that has it. Whoever takes it
// from a Hipflask server puts its own name there in the same step, so from then on nothing that the
// other one still writes is taken: so that of two servers that believe they have a client, one
// finds out that it has not.
package sessions

import (
	"errors"
	"time"

	"hipflask/server/internal/fanout"
)

// Begin has a session kept: see [fanout.Sessions].
func (st *Store) Begin(pid string, of fanout.Kept) {
	st.mu.Lock()
	if st.closed || pid == "" {
		st.mu.Unlock()
		return
	}
	if old := st.kept[pid]; old != nil {
		st.removeLocked(old)
	}
	e := &entry{pid: pid, of: of, changed: 1, progress: make(chan struct{})}
	st.kept[pid] = e
	st.queueLocked(e)
	st.mu.Unlock()
	st.Saved(pid)
}

// Changed has a session written anew.
func (st *Store) Changed(pid string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if e := st.kept[pid]; e != nil && !e.over {
		e.changed++
		st.queueLocked(e)
	}
}

// Saved waits until what has changed before is in Redis, for saveTime at most, and while Redis is
// away not at all.
func (st *Store) Saved(pid string) {
	st.mu.Lock()
	e := st.kept[pid]
	if e == nil {
		st.mu.Unlock()
		return
	}
	change := e.changed
	st.mu.Unlock()
	timeout := time.NewTimer(saveTime)
	defer timeout.Stop()
	if st.await(e, timeout.C, func() bool { return st.away || e.lost || e.discard || e.written >= change }) {
		return
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	st.noteLocked(errLate)
}

var errLate = errors.New("no answer in time")

// End is for a client that is gone.
func (st *Store) End(pid string, mayComeBack bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	e := st.kept[pid]
	switch {
	case e == nil && !mayComeBack && !st.closed: // it was never connected
		st.discardLocked(pid)
	case e == nil || e.over:
	case !mayComeBack:
		st.overLocked(e)
		st.discardLocked(pid)
	case st.ended >= maxEnded:
		st.removeLocked(e)
	default:
		e.changed++ // its disconnect handler may have changed something, and it has less time from now on
		st.overLocked(e)
		st.queueLocked(e)
	}
}

// Discard forgets a session.
func (st *Store) Discard(pid string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if !st.closed {
		st.discardLocked(pid)
	}
}
