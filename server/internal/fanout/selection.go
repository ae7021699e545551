package fanout

import (
	"slices"
	"unsafe"
)

// Selection is a choice of a namespace's clients, and how they are sent to: those in any of Rooms,
// or all if there are none, that are in none of Except. It is the same from a handler to the other
// servers and back. Its lists do not change.
type Selection struct {
	Rooms, Except []string
	Volatile      bool // an event is for those alone who can take it at once
	Local         bool // of this server's clients
	Uncompressed  bool // what they are sent is not compressed
}

// To is the selection with more rooms to be in.
func (s Selection) To(rooms ...string) Selection {
	s.Rooms = union(s.Rooms, rooms)
	return s
}

// Without is the selection without the clients in these rooms too.
func (s Selection) Without(rooms ...string) Selection {
	s.Except = union(s.Except, rooms)
	return s
}

// union is a new list that names each room once.
func union(rooms, more []string) []string {
	all := slices.Concat(rooms, more)
	if len(all) > 1 {
		slices.Sort(all)
		all = slices.Compact(all)
	}
	return all
}

// shortList is how many rooms are compared one by one. Longer lists have a set.
const shortList = 8

// choice is a selection that members are compared with. A list may name any number of rooms:
// another server, or whoever reaches Redis, wrote it. So a choice is made before the namespace is
// locked, and what it costs while the lock is held depends on the members, not on the lists.
type choice struct {
	Selection

	inRooms, inExcept map[string]struct{} // nil for short lists
}

func newChoice(s Selection) *choice { return &choice{s, longSet(s.Rooms), longSet(s.Except)} }

const (
	roomSize = int(unsafe.Sizeof(""))
	setEntry = 2 * roomSize // in a map that is at least half full
)

// memory is about what the choice takes, in bytes.
func (c *choice) memory() int {
	n := int(unsafe.Sizeof(*c)) + setEntry*(len(c.inRooms)+len(c.inExcept))
	for _, rooms := range [][]string{c.Rooms, c.Except} {
		for _, r := range rooms {
			n += roomSize + len(r)
		}
	}
	return n
}

func longSet(rooms []string) map[string]struct{} {
	if len(rooms) <= shortList {
		return nil
	}
	set := make(map[string]struct{}, len(rooms))
	for _, room := range rooms {
		set[room] = struct{}{}
	}
	return set
}

// isIn reports whether a list, which has that set, names the room.
func isIn(room string, list []string, set map[string]struct{}) bool {
	if set == nil {
		return slices.Contains(list, room)
	}
	_, in := set[room]
	return in
}

func (c *choice) names(room string) bool   { return isIn(room, c.Rooms, c.inRooms) }
func (c *choice) excepts(room string) bool { return isIn(room, c.Except, c.inExcept) }
