package fanout

import (
	"math"
	"slices"
	"unsafe"

	"hipflask/server/internal/offset"
)

const (
	// maxStays is how many of a client's visits to rooms are remembered.
	maxStays = 1024
	// roomMemory is about what a room that a client is in adds beside its stay.
	roomMemory = 64
)

// past is what decides which events were meant for a client, and what is kept with it.
type past struct {
	since offset.ID // the first place whose event it can have been sent
	known offset.ID // the first place from which on its stays are known
	stays []Stay
	data  any // that is kept with the client, see Member.Keep
}

// Stay is a client's time in a room, from one event's place to before another's.
type Stay struct {
	Room     string
	From, To offset.ID
}

// StillThere is the end of a stay that has none.
var StillThere = offset.ID{Ms: math.MaxUint64, Seq: math.MaxUint64}

func (p *past) enter(room string, now offset.ID) {
	if !slices.ContainsFunc(p.stays, func(s Stay) bool { return s.Room == room && s.To == StillThere }) {
		p.stays = append(p.stays, Stay{room, now, StillThere})
	}
}

// exit ends a stay, and forgets those that ended before the place first.
func (p *past) exit(room string, now, first offset.ID) {
	over := 0
	p.stays = slices.DeleteFunc(p.stays, func(s Stay) bool {
		return s.To.Compare(first) <= 0 || s.Room == room && s.To == StillThere && s.From == now
	})
	for i := range p.stays {
		s := &p.stays[i]
		if s.Room == room && s.To == StillThere {
			s.To = now
		}
		if s.To != StillThere {
			over++
		}
	}
	if over > maxStays {
		oldest := slices.IndexFunc(p.stays, func(s Stay) bool { return s.To != StillThere })
		p.known = later(p.known, p.stays[oldest].To)
		p.stays = slices.Delete(p.stays, oldest, oldest+1)
	}
}

// isMeant reports whether what was sent to a choice of clients at a place was for this one.
func (p *past) isMeant(among *choice, place offset.ID) bool {
	return (len(among.Rooms) == 0 || p.wasIn(among.names, place)) && !p.wasIn(among.excepts, place)
}

// wasIn reports whether the client was in any of the listed rooms at a place.
func (p *past) wasIn(listed func(string) bool, place offset.ID) bool {
	return slices.ContainsFunc(p.stays, func(s Stay) bool {
		return s.From.Compare(place) <= 0 && place.Compare(s.To) < 0 && listed(s.Room)
	})
}

// rooms lists those that the client is in.
func (p *past) rooms() []string {
	var rooms []string
	for _, s := range p.stays {
		if s.To == StillThere {
			rooms = append(rooms, s.Room)
		}
	}
	return rooms
}

// memory is about what the client's visits to rooms take, in bytes.
func (p *past) memory() int {
	if p == nil {
		return 0
	}
	n := cap(p.stays) * int(unsafe.Sizeof(Stay{}))
	for _, s := range p.stays {
		n += len(s.Room)
		if s.To == StillThere {
			n += roomMemory
		}
	}
	return n
}

// later is the one of two places that comes later.
func later(a, b offset.ID) offset.ID {
	if a.Compare(b) < 0 {
		return b
	}
	return a
}
