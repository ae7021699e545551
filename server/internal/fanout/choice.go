package fanout

import (
	"slices"
	"unsafe"

	"github.com/zishang520/socket.io/v2/socket"
)

// shortList is how many rooms are compared one by one. Longer lists have a set.
const shortList = 8

// choice is a selection of members: those in any of rooms, or all if there are none,
// that are in none of except. A list may name any number of rooms: another server, or
// whoever reaches Redis, wrote it. So a choice is made before the namespace is locked,
// and what it costs while the lock is held depends on the members, not on the lists.
type choice struct {
	rooms, except     []socket.Room
	inRooms, inExcept map[socket.Room]struct{} // nil for short lists
}

func newChoice(rooms, except []socket.Room) *choice {
	return &choice{rooms, except, longSet(rooms), longSet(except)}
}

// chosen reads the library's form of a selection, which may be nil.
func chosen(opts *socket.BroadcastOptions) *choice {
	return newChoice(selection(opts))
}

const (
	roomSize = int(unsafe.Sizeof(socket.Room("")))
	setEntry = 2 * roomSize // in a map that is at least half full
)

// memory is about what the choice takes, in bytes.
func (c *choice) memory() int {
	n := int(unsafe.Sizeof(*c)) + setEntry*(len(c.inRooms)+len(c.inExcept))
	for _, rooms := range [][]socket.Room{c.rooms, c.except} {
		for _, r := range rooms {
			n += roomSize + len(r)
		}
	}
	return n
}

func longSet(rooms []socket.Room) map[socket.Room]struct{} {
	if len(rooms) <= shortList {
		return nil
	}
	set := make(map[socket.Room]struct{}, len(rooms))
	for _, room := range rooms {
		set[room] = struct{}{}
	}
	return set
}

// isIn reports whether a list, which has that set, names the room.
func isIn(room socket.Room, list []socket.Room, set map[socket.Room]struct{}) bool {
	if set == nil {
		return slices.Contains(list, room)
	}
	_, in := set[room]
	return in
}

func (c *choice) names(room socket.Room) bool   { return isIn(room, c.rooms, c.inRooms) }
func (c *choice) excepts(room socket.Room) bool { return isIn(room, c.except, c.inExcept) }

// eachLocked calls fn once for each member that is chosen. The mutex is held, and fn
// makes no other choice.
func (a *Adapter) eachLocked(c *choice, fn func(*member)) {
	a.choices++
	visit := func(m *member) {
		if m.visited != a.choices {
			m.visited = a.choices
			if !a.exceptedLocked(c, m) {
				fn(m)
			}
		}
	}
	switch {
	case len(c.rooms) == 0:
		for _, m := range a.order {
			visit(m)
		}
	case len(c.rooms) <= len(a.rooms):
		for _, room := range c.rooms {
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
func (a *Adapter) exceptedLocked(c *choice, m *member) bool {
	if len(c.except) <= len(m.rooms) {
		return slices.ContainsFunc(c.except, func(room socket.Room) bool {
			_, in := a.rooms[room][m]
			return in
		})
	}
	return slices.ContainsFunc(m.rooms, c.excepts)
}
