package fanout

import "slices"

// eachLocked calls fn once for each member that is chosen. fn makes no other choice.
func (a *Adapter) eachLocked(c *choice, fn func(*Member)) {
	a.choices++
	visit := func(m *Member) {
		if m.visited != a.choices {
			m.visited = a.choices
			if !a.exceptedLocked(c, m) {
				fn(m)
			}
		}
	}
	switch {
	case len(c.Rooms) == 0:
		for _, m := range a.order {
			visit(m)
		}
	case len(c.Rooms) <= len(a.rooms):
		for _, room := range c.Rooms {
			for m := range a.rooms[room] {
				visit(m)
			}
		}
	default:
		for room, members := range a.rooms {
			if !c.names(room) {
				continue
			}
			for m := range members {
				visit(m)
			}
		}
	}
}

// exceptedLocked looks at whichever list is shorter: the excepted rooms, or the member's.
func (a *Adapter) exceptedLocked(c *choice, m *Member) bool {
	if len(c.Except) <= len(m.rooms) {
		return slices.ContainsFunc(c.Except, func(room string) bool {
			_, in := a.rooms[room][m]
			return in
		})
	}
	return slices.ContainsFunc(m.rooms, c.excepts)
}

// Members lists the members of this server that a selection names.
func (a *Adapter) Members(of Selection) []*Member {
	c := newChoice(of)
	a.mu.Lock()
	defer a.mu.Unlock()
	var list []*Member
	a.eachLocked(c, func(m *Member) {
		if m.client != nil {
			list = append(list, m)
		}
	})
	return list
}

// Member returns the member of that id, nil if this server has none. Unlike a selection it is not
// misled by a room of that name.
func (a *Adapter) Member(id string) *Member {
	a.mu.Lock()
	defer a.mu.Unlock()
	if m := a.members[id]; m != nil && m.client != nil {
		return m
	}
	return nil
}

// HasRoom reports whether a client of this server is in the room.
func (a *Adapter) HasRoom(room string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.rooms[room]) > 0
}

// Rooms lists the rooms that clients of this server are in.
func (a *Adapter) Rooms() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	rooms := make([]string, 0, len(a.rooms))
	for room := range a.rooms {
		rooms = append(rooms, room)
	}
	return rooms
}
