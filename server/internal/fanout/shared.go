package fanout

import (
	"errors"
	"slices"
	"time"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/offset"
)

// maxPasses is how often what is known here is compared with what is read of the past.
const maxPasses = 5

// restoreShared is restore in a sequence: what happened lately is known here, what happened before
// is read from there.
func (a *Adapter) restoreShared(pid, offset string) (*Member, []string) {
	s, outcome := a.sequence.Take(a.name, pid)
	var m *Member
	var joined []string
	if s != nil {
		m, joined, outcome = a.resume(s, offset, outcome)
	}
	a.sequence.Count(outcome)
	if s != nil && m == nil {
		a.sequence.Discard(pid)
	}
	return m, joined
}

// resume makes the client of a session a member again.
func (a *Adapter) resume(s *Session, offset string, source Outcome) (m *Member, joined []string, outcome Outcome) {
	p := &past{since: s.Since, known: s.Known, stays: s.Stays, data: s.Carried}
	from, ok := a.recovery.unseen(offset, p.since)
	if !ok || from.Compare(p.known) < 0 {
		return nil, nil, Forgotten
	}
	var older []*engineio.Message
	next := from // what comes before is in older
	for pass := 0; pass < maxPasses; pass++ {
		a.mu.Lock()
		r, position := a.recovery, a.sequence.Position()
		if lost := position.Lost; !lost.IsZero() && from.Compare(lost) <= 0 {
			a.mu.Unlock()
			return nil, nil, Forgotten
		}
		known := later(r.known, position.Began)
		if next.Compare(known) > 0 && (pass > 0 || from.Compare(r.now()) <= 0) {
			m, joined = a.resumeLocked(s, p, from, next, older)
			a.mu.Unlock()
			if m == nil {
				return nil, nil, Unreadable
			}
			return m, joined, source
		}
		a.mu.Unlock()
		upTo := later(known, next.Before())
		read, err := a.older(p, next, upTo)
		switch {
		case errors.Is(err, ErrForgotten):
			return nil, nil, Forgotten
		case err != nil:
			return nil, nil, Unknown
		}
		older, next = append(older, read...), upTo.Next()
	}
	return nil, nil, Forgotten
}

// older reads what the client was to be sent between two places.
func (a *Adapter) older(p *past, from, upTo offset.ID) (missed []*engineio.Message, err error) {
	size := 0
	failed := a.sequence.Past(a.name, from, upTo, func(e Event, to Selection, place offset.ID) bool {
		if !p.isMeant(newChoice(to), place) {
			return true
		}
		var msg *engineio.Message
		if msg, err = e.encodeWith(a.recovery.offset(place), a.name); err != nil {
			return false
		}
		missed = append(missed, msg.Bare().Kept())
		if size += msg.Memory(); size > maxLogged {
			err = ErrForgotten // it is more than a client can be sent
		}
		return err == nil
	})
	return missed, errors.Join(failed, err)
}

// comeBackLocked makes a client a member again, for which waits what it missed.
func (a *Adapter) comeBackLocked(id string, p *past, missed []*engineio.Message) (m *Member, joined []string) {
	rooms := p.rooms()
	m = a.memberLocked(id)
	m.recovered, m.past = true, p
	m.early, m.returning = missed, &returning{owed: len(missed)}
	return m, a.joinLocked(m, rooms)
}

// resumeLocked returns nil if there is another client of the session's id.
func (a *Adapter) resumeLocked(s *Session, p *past, from, next offset.ID, missed []*engineio.Message) (*Member, []string) {
	if a.members[s.ID] != nil {
		return nil, nil
	}
	r := a.recovery
	r.prune(time.Now())
	newer, _ := r.missed(s.ID, p, next) // all of it is known, see resume
	m, joined := a.comeBackLocked(s.ID, p, append(missed, newer...))
	m.shared.pid, m.shared.from = s.PID, from
	return m, joined
}

// Answered is for a client that is about to be told the key to its session.
func (m *Member) Answered(pid string) {
	a := m.adapter
	if a.recovery == nil || a.sequence == nil {
		return
	}
	a.mu.Lock()
	m.shared.pid = pid
	lapsed := m.lapsed
	a.mu.Unlock()
	if !lapsed { // else it cannot go on from here
		a.sequence.Begin(pid, keptMember{m})
	}
}

// Changed is for a client of which something changed that it is to find again.
func (m *Member) Changed() {
	if pid := m.key(); pid != "" {
		m.adapter.sequence.Changed(pid)
	}
}

// Saved waits until what changed can be found by other servers, though not for long.
func (m *Member) Saved() {
	if pid := m.key(); pid != "" {
		m.adapter.sequence.Saved(pid)
	}
}

// key is the pid of a session that other servers can have; else empty.
func (m *Member) key() string {
	a := m.adapter
	if a.recovery == nil || a.sequence == nil {
		return ""
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return m.shared.pid
}

// endShared is for a client whose end was handled.
func (m *Member) endShared() {
	if pid := m.key(); pid != "" {
		m.adapter.mu.Lock()
		mayComeBack := m.shared.kept
		m.adapter.mu.Unlock()
		m.adapter.sequence.End(pid, mayComeBack)
	}
}

// discard forgets a session that cannot be gone on with.
func (a *Adapter) discard(pid string) {
	if pid != "" && a.recovery != nil {
		a.sequence.Discard(pid)
	}
}

// keptMember is a member as a client whose session is kept.
type keptMember struct{ *Member }

func (k keptMember) Session() Session {
	a := k.adapter
	a.mu.Lock()
	s := Session{
		Namespace: a.name, ID: k.id, PID: k.shared.pid, Keep: a.recovery.keep,
		Since: k.past.since, Known: k.past.known, Stays: slices.Clone(k.past.stays),
	}
	data := k.past.data
	a.mu.Unlock()
	if p, ok := data.(Portable); ok {
		s.Carried = p.Carry()
	}
	return s
}

func (k keptMember) Cut() { k.session.Close(engineio.TransportClose) }
