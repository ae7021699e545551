package fanout

import (
	"crypto/rand"
	"slices"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/offset"
)

const (
	// maxLogged bounds the memory that the events take which one namespace keeps for
	// clients that were cut off, in bytes, and maxKept and maxKeptBytes the clients. When
	// there are more, the oldest go, and clients that would have needed them start anew.
	maxLogged    = 64 << 20
	maxKept      = 1 << 16
	maxKeptBytes = 64 << 20
)

// NoOffset stands for the offset that a client which has seen no event does not name.
const NoOffset = "none"

// recovery is connection state recovery (Socket.IO 4.6): every event carries an
// offset behind its arguments, and is kept for a while; a client that was cut off
// names the last offset it saw and is sent what it missed. Volatile events, and
// those that want an acknowledgement, are not part of it. It is guarded by the
// adapter's mutex.
type recovery struct {
	keep  time.Duration
	epoch string // tells the offsets of this process from another's

	next   uint64 // the number of the next event
	events []logged
	bytes  int // what they take in memory

	// In a sequence offsets are places in it.
	sequenced bool
	latest    offset.ID // of all events so far
	known     offset.ID // all that come behind it are kept
	lapsed    uint64    // sessions that began before this event do not go on

	sessions      map[string]kept
	sessionsBytes int
	order         []left // the sessions in the order they left
}

// logged is an event that was sent to one client, or else to a choice of them.
type logged struct {
	at    time.Time
	place offset.ID // in the sequence; zero without
	to    string
	among *choice           // nil if to is set
	msg   *engineio.Message // bare
}

// memory is about what the event takes, in bytes: the list has as much room again to
// grow.
func (e *logged) memory() int {
	n := 2*int(unsafe.Sizeof(*e)) + len(e.to) + e.msg.Memory()
	if e.among != nil {
		n += e.among.memory()
	}
	return n
}

// kept is a client that was cut off.
type kept struct {
	id    string
	past  *past
	at    time.Time
	bytes int // that it takes in memory
}

// sessionMemory is about what a client takes that was cut off, beside its rooms.
const sessionMemory = 1 << 10

type left struct {
	pid string
	at  time.Time
}

func newRecovery(keep time.Duration) *recovery {
	if keep <= 0 {
		return nil
	}
	return &recovery{keep: keep, epoch: rand.Text()[:8], sessions: make(map[string]kept)}
}

// offset is what clients are told of the next event.
func (r *recovery) offset(place offset.ID) string {
	if r.sequenced {
		return place.String()
	}
	return r.epoch + "-" + strconv.FormatUint(r.next, 36)
}

// unseen is the first event that a client has not seen which names this offset. An
// offset from before its session, even of another process, says that it saw none of
// this session; one that is no offset says nothing.
func (r *recovery) unseen(seen string, since uint64) (uint64, bool) {
	if seen == NoOffset {
		return since, true
	}
	if r.sequenced {
		return r.behind(seen, since)
	}
	epoch, digits, _ := strings.Cut(seen, "-")
	n, err := strconv.ParseUint(digits, 36, 64)
	switch {
	case err != nil || len(epoch) != len(r.epoch):
		return 0, false
	case epoch != r.epoch:
		return since, true
	}
	return max(n+1, since), n < r.next
}

// behind is unseen in a sequence.
func (r *recovery) behind(seen string, since uint64) (uint64, bool) {
	place, ok := offset.Parse(seen)
	switch {
	case !ok || place.Compare(r.latest) > 0:
		return 0, false
	case place.Compare(r.known) < 0:
		return since, true
	}
	n, _ := slices.BinarySearchFunc(r.events, place.Next(), func(e logged, id offset.ID) int { return e.place.Compare(id) })
	return max(r.first()+uint64(n), since), true
}

// lapse counts as an event that nobody has: no session that began before goes on.
func (r *recovery) lapse() {
	r.events, r.bytes = nil, 0
	r.next++
	r.lapsed = r.next
	r.known, r.latest = offset.ID{}, offset.ID{}
}

// first is the number of the oldest event that is kept.
func (r *recovery) first() uint64 { return r.next - uint64(len(r.events)) }

// stamp gives an event its offset and keeps it. It returns the message to send in
// the place of the one without.
func (r *recovery) stamp(namespace string, event Event, e logged) (*engineio.Message, error) {
	stamped := Event{event.Name, append(slices.Clip(event.Args), r.offset(e.place))}
	msg, err := stamped.encode(namespace, 0)
	if err != nil {
		return nil, err
	}
	event.setPlain(msg, namespace) // a plain client reads it without
	e.at, e.msg = time.Now(), msg.Bare()
	r.latest = e.place
	r.next++
	r.bytes += e.memory()
	r.events = append(r.events, e)
	r.prune(e.at)
	return msg, nil
}

// prune forgets what nobody may come back for any more.
func (r *recovery) prune(now time.Time) {
	n := 0
	for n < len(r.events) && (r.bytes > maxLogged || now.Sub(r.events[n].at) > r.keep) {
		r.bytes -= r.events[n].memory()
		r.known = r.events[n].place
		r.events[n] = logged{}
		n++
	}
	r.events = r.events[n:]
	n = 0
	for n < len(r.order) && (len(r.order)-n > maxKept || r.sessionsBytes > maxKeptBytes || now.Sub(r.order[n].at) > r.keep) {
		if s, ok := r.sessions[r.order[n].pid]; ok && !s.at.After(r.order[n].at) {
			r.forget(r.order[n].pid)
		}
		n++
	}
	r.order = r.order[n:]
}

// remember keeps a client that was cut off.
func (r *recovery) remember(pid string, k kept) {
	r.forget(pid)
	k.bytes = sessionMemory + k.past.memory()
	r.sessions[pid] = k
	r.sessionsBytes += k.bytes
	r.order = append(r.order, left{pid, k.at})
}

func (r *recovery) forget(pid string) {
	r.sessionsBytes -= r.sessions[pid].bytes
	delete(r.sessions, pid)
}

// missed lists what a client was to be sent from event n on; false if some of that is
// forgotten.
func (r *recovery) missed(id string, p *past, n uint64) ([]*engineio.Message, bool) {
	first := r.first()
	if n < first || n < p.known || p.since < r.lapsed {
		return nil, false
	}
	var list []*engineio.Message
	for _, e := range r.events[n-first:] {
		meant := e.to == id
		if e.to == "" {
			meant = (len(e.among.Rooms) == 0 || p.wasIn(e.among.names, n)) && !p.wasIn(e.among.excepts, n)
		}
		if meant {
			list = append(list, e.msg.Kept())
		}
		n++
	}
	return list, true
}

// begin starts the past of a client that is new; nil without recovery.
func (r *recovery) begin() *past {
	if r == nil {
		return nil
	}
	return &past{since: r.next, known: r.next}
}
