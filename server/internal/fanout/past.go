package fanout

import (
	"math"
	"slices"
	"unsafe"
)

const (
	// maxStays is how many of a client's visits to rooms are remembered.
	maxStays = 1024
	// roomMemory is about what a room that a client is in adds beside its stay.
	roomMemory = 64
)

// past is what decides which events were meant for a client, and what is kept with it.
type past struct {
	since uint64 // the first event that it can have been sent
	known uint64 // the first event from which on its stays are known
	stays []stay
	data  any // that is kept with the client, see Member.Keep
}

// stay is a client's time in a room, from one event's number to before another's.
type stay struct {
	room     string
	from, to uint64
}

// stillThere is the end of a stay that has none.
const stillThere = math.MaxUint64

func (p *past) enter(room string, now uint64) {
	if !slices.ContainsFunc(p.stays, func(s stay) bool { return s.room == room && s.to == stillThere }) {
		p.stays = append(p.stays, stay{room, now, stillThere})
	}
}

// exit ends a stay, and forgets those that ended before the event first.
func (p *past) exit(room string, now, first uint64) {
	over := 0
	p.stays = slices.DeleteFunc(p.stays, func(s stay) bool {
		return s.to <= first || s.room == room && s.to == stillThere && s.from == now
	})
	for i := range p.stays {
		s := &p.stays[i]
		if s.room == room && s.to == stillThere {
			s.to = now
		}
		if s.to != stillThere {
			over++
		}
	}
	if over > maxStays {
		oldest := slices.IndexFunc(p.stays, func(s stay) bool { return s.to != stillThere })
		p.known = max(p.known, p.stays[oldest].to)
		p.stays = slices.Delete(p.stays, oldest, oldest+1)
	}
}

// wasIn reports whether the client was in any of the listed rooms when event n was sent.
func (p *past) wasIn(listed func(string) bool, n uint64) bool {
	return slices.ContainsFunc(p.stays, func(s stay) bool {
		return s.from <= n && n < s.to && listed(s.room)
	})
}

// rooms lists those that the client is in.
func (p *past) rooms() []string {
	var rooms []string
	for _, s := range p.stays {
		if s.to == stillThere {
			rooms = append(rooms, s.room)
		}
	}
	return rooms
}

// memory is about what the client's visits to rooms take, in bytes.
func (p *past) memory() int {
	if p == nil {
		return 0
	}
	n := cap(p.stays) * int(unsafe.Sizeof(stay{}))
	for _, s := range p.stays {
		n += len(s.room)
		if s.to == stillThere {
			n += roomMemory
		}
	}
	return n
}
