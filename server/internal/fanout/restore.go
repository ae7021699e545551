package fanout

import (
	"time"

	"hipflask/server/internal/engineio"
)

// Keep has a value kept with the client for when it comes back, with recovery.
func (m *Member) Keep(data any) {
	m.adapter.mu.Lock()
	defer m.adapter.mu.Unlock()
	if m.past != nil {
		m.past.data = data
	}
}

// Kept is what was kept with the client when it was cut off, nil for a new one.
func (m *Member) Kept() any {
	m.adapter.mu.Lock()
	defer m.adapter.mu.Unlock()
	if m.past == nil {
		return nil
	}
	return m.past.data
}

// Persist keeps what a client that was cut off will need to come back by the key pid. In a sequence
// that is kept already, and goes on being kept.
func (a *Adapter) Persist(id, pid string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	m := a.members[id]
	if a.recovery == nil || m == nil || m.lapsed {
		return
	}
	if a.sequence != nil {
		m.shared.kept = true
		return
	}
	now := time.Now()
	a.recovery.remember(pid, kept{id: id, past: m.past, at: now})
	a.recovery.prune(now)
}

// Restore gives a client that was cut off its session back, once, and returns its id. From here on
// it is a member again, so that nothing comes between what it missed, which waits for its
// admission, and what is sent next.
func (a *Adapter) Restore(pid, offset string) (id string, ok bool) {
	m, joined := a.restore(pid, offset)
	if m == nil {
		return "", false
	}
	a.tell(a.config.Joined, m, joined...)
	return m.id, true
}

func (a *Adapter) restore(pid, offset string) (m *Member, joined []string) {
	if a.recovery != nil && a.sequence != nil {
		return a.restoreShared(pid, offset)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.restoreLocked(pid, offset)
}

// restoreLocked returns nil for a client that has no session, or missed what is not known any more.
func (a *Adapter) restoreLocked(pid, offset string) (m *Member, joined []string) {
	r := a.recovery
	if r == nil {
		return nil, nil
	}
	r.prune(time.Now())
	s, known := r.sessions[pid]
	if !known {
		return nil, nil
	}
	r.forget(pid)
	unseen, ok := r.unseen(offset, s.past.since)
	var missed []*engineio.Message
	if ok {
		missed, ok = r.missed(s.id, s.past, unseen)
	}
	if !ok {
		return nil, nil
	}
	return a.comeBackLocked(s.id, s.past, missed)
}

// Recovered reports whether the client came back to its session. It is asked after the
// introduction.
func (m *Member) Recovered() bool { return m.recovered }
