package fanout

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// Whichever list is walked through, the members are those that the definition names, once.
func TestChoiceOfMembers(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	some := func(n int) (rooms []string) {
		for range n {
			rooms = append(rooms, fmt.Sprint(random.IntN(3*n)))
		}
		return rooms
	}
	a := &Adapter{members: make(map[string]*Member), rooms: make(map[string]map[*Member]struct{})}
	for i := range 50 {
		m := a.memberLocked(fmt.Sprint("m", i))
		a.joinLocked(m, some(i%20))
	}
	isAny := func(m *Member, rooms []string) bool {
		return slices.ContainsFunc(rooms, func(r string) bool { return slices.Contains(m.rooms, r) })
	}
	for range 2000 {
		rooms, except := some(random.IntN(200)), some(random.IntN(60))
		if random.IntN(2) == 0 {
			rooms = some(random.IntN(4))
		}
		if random.IntN(2) == 0 {
			except = some(random.IntN(3))
		}
		var got, want []*Member
		a.eachLocked(newChoice(Selection{Rooms: rooms, Except: except}), func(m *Member) { got = append(got, m) })
		for _, m := range a.order {
			if (len(rooms) == 0 || isAny(m, rooms)) && !isAny(m, except) {
				want = append(want, m)
			}
		}
		slices.SortFunc(got, func(m, other *Member) int { return m.index - other.index })
		if !slices.Equal(got, want) {
			t.Fatalf("%d rooms, %d exceptions: %d members, want %d", len(rooms), len(except), len(got), len(want))
		}
	}
}
