package main

import (
	"maps"
	"slices"
	"sync"
)

// members knows who is in which room. Somebody may be in one with several tabs. Handlers
// of different clients run at the same time, so it has a lock. It is of this server's
// clients: of several servers each would show its own.
type members struct {
	mu    sync.Mutex
	rooms map[string]map[string]string // names by the client's id, by room
	at    map[string]string            // rooms by the client's id
}

func newMembers() *members {
	return &members{rooms: make(map[string]map[string]string), at: make(map[string]string)}
}

// room returns the room in which a client is, "" for none.
func (m *members) room(id string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.at[id]
}

// enter puts a client that is in no room into one, and reports whether nobody of its
// name was there.
func (m *members) enter(room, id, name string) (first bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	first = !slices.Contains(m.inLocked(room), name)
	if m.rooms[room] == nil {
		m.rooms[room] = make(map[string]string)
	}
	m.rooms[room][id] = name
	m.at[id] = room
	return first
}

// leave takes a client out of its room, and reports whether nobody of its name is left.
func (m *members) leave(id string) (name string, last bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	room := m.at[id]
	name = m.rooms[room][id]
	delete(m.at, id)
	delete(m.rooms[room], id)
	if len(m.rooms[room]) == 0 {
		delete(m.rooms, room)
	}
	return name, !slices.Contains(m.inLocked(room), name)
}

// in lists the names in a room.
func (m *members) in(room string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.inLocked(room)
}

func (m *members) inLocked(room string) []string {
	names := slices.Sorted(maps.Values(m.rooms[room]))
	if names = slices.Compact(names); names != nil {
		return names
	}
	return []string{} // JSON's [], not null
}
