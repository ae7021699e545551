package fanout

import (
	"net"
	"slices"
	"time"

	"hipflask/server/internal/engineio"
)

// Join puts the client into rooms. One that was removed is not: it would stay in them for ever.
func (m *Member) Join(rooms ...string) {
	a := m.adapter
	a.mu.Lock()
	var joined []string
	if a.isHereLocked(m) {
		joined = a.joinLocked(m, rooms)
	}
	a.mu.Unlock()
	if len(joined) > 0 {
		m.Changed()
	}
	a.tell(a.config.Joined, m, joined...)
}

// Leave takes the client out of rooms.
func (m *Member) Leave(rooms ...string) {
	a := m.adapter
	for _, room := range rooms {
		a.mu.Lock()
		left := a.isHereLocked(m) && a.leaveLocked(m, room)
		if left {
			m.rooms = slices.DeleteFunc(m.rooms, func(r string) bool { return r == room })
			if m.past != nil {
				m.past.exit(room, later(a.recovery.now(), m.shared.from), a.recovery.horizon())
			}
		}
		a.mu.Unlock()
		if left {
			m.Changed()
			a.tell(a.config.Left, m, room)
		}
	}
}

// Announce has Moved told of the rooms that the member is in, which are those that it came back to,
// and from now on of those that it joins and leaves.
func (m *Member) Announce() {
	m.adapter.mu.Lock()
	defer m.adapter.mu.Unlock()
	m.announced = true
	for _, room := range m.rooms {
		m.tellMovedLocked(room, true)
	}
}

// Listen has fn told of each event that the member is sent, in the order in which it is; nil ends
// that. The namespace is locked meanwhile, so fn must not wait, and do nothing with rooms or
// broadcasts.
func (m *Member) Listen(fn func(Event)) {
	m.adapter.mu.Lock()
	defer m.adapter.mu.Unlock()
	m.sent = fn
}

func (m *Member) tellSentLocked(e Event) {
	if m.sent != nil {
		m.sent(e)
	}
}

// Rooms lists the rooms that the client is in, or was in when it was removed.
func (m *Member) Rooms() []string {
	m.adapter.mu.Lock()
	defer m.adapter.mu.Unlock()
	if m.over {
		return []string{}
	}
	return append([]string{}, m.rooms...)
}

// End is for a client that is gone, though it is not removed yet: it acknowledges nothing.
func (m *Member) End() { m.acks.end() }

// Forget is for a client whose end was handled: it was in no rooms.
func (m *Member) Forget() {
	m.adapter.mu.Lock()
	m.over = true
	m.adapter.mu.Unlock()
	m.endShared()
}

// ID is the client's id in the namespace.
func (m *Member) ID() string { return m.id }

// Session is the client's session.
func (m *Member) Session() *engineio.Session { return m.session }

// Address is the client's address, without a port where there is one.
func (m *Member) Address() string {
	addr := m.session.Remote()
	if host, _, err := net.SplitHostPort(addr); err == nil {
		return host
	}
	return addr
}

// Client is what the member was introduced as.
func (m *Member) Client() Client { return m.client }

// Since is when the client came to the namespace.
func (m *Member) Since() time.Time { return time.UnixMilli(m.since) }
