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
	// maxLogged bounds the memory that the events take which one namespace keeps for clients that
	// were cut off, in bytes, and maxKept and maxKeptBytes the clients. When there are more, the
	// oldest go, and clients that would have needed them start anew.
	maxLogged    = 64 << 20
	maxKept      = 1 << 16
	maxKeptBytes = 64 << 20
)

// NoOffset stands for the offset that a client which has seen no event does not name.
const NoOffset = "none"

// recovery is connection state recovery (Socket.IO 4.6): every event carries an offset behind its
// arguments, and is kept for a while; a client that was cut off names the last offset it saw and is
// sent what it missed. Volatile events, and those that want an acknowledgement, are not part of it.
// It is guarded by the adapter's mutex.
type recovery struct {
	keep  time.Duration
	epoch string // tells the offsets of this process from another's

	// Events have places in an order: in the sequence, where sequenced, else numbers.
	sequenced bool
	events    []logged
	bytes     int       // what they take in memory
	latest    offset.ID // place of all events so far
	known     offset.ID // all that come behind it are kept

	sessions      map[string]kept
	sessionsBytes int
	order         []left // the sessions in the order they left
}

// logged is an event that was sent to one client, or else to a choice of them.
type logged struct {
	at    time.Time
	place offset.ID
	to    string
	among *choice           // nil if to is set
	msg   *engineio.Message // bare
}

// memory is about what the event takes, in bytes: the list has as much room again to grow.
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

// offset is what clients are told of the event at a place.
func (r *recovery) offset(place offset.ID) string {
	if r.sequenced {
		return place.String()
	}
	return r.epoch + "-" + strconv.FormatUint(place.Seq, 36)
}

// unseen is the first place whose event a client has not seen that names this offset. An offset
// from before its session, without a sequence even of another process, says that it saw none of
// this session; one that is no offset says nothing.
func (r *recovery) unseen(seen string, since offset.ID) (offset.ID, bool) {
	if seen == NoOffset {
		return since, true
	}
	if r.sequenced {
		place, ok := offset.Parse(seen)
		return later(place.Next(), since), ok
	}
	epoch, digits, _ := strings.Cut(seen, "-")
	n, err := strconv.ParseUint(digits, 36, 64)
	switch {
	case err != nil || len(epoch) != len(r.epoch):
		return offset.ID{}, false
	case epoch != r.epoch:
		return since, true
	}
	return later(offset.ID{Seq: n + 1}, since), n <= r.latest.Seq
}

// now is the place from which on events are still to come.
func (r *recovery) now() offset.ID { return r.latest.Next() }

// farBack is how much longer than sessions are kept it can take until nobody misses an event any
// more: a connection that is gone can look alive for a while.
const farBack = 2 * time.Minute

// horizon is a place before which nobody misses anything, or what he missed is forgotten.
func (r *recovery) horizon() offset.ID {
	if !r.sequenced { // it is all kept here
		return r.known.Next()
	}
	ago := uint64((2*r.keep + farBack).Milliseconds())
	return offset.ID{Ms: r.latest.Ms - min(ago, r.latest.Ms)}
}

// lapse forgets all events: what comes next does not follow them.
func (r *recovery) lapse() {
	r.events, r.bytes = nil, 0
	r.known, r.latest = offset.ID{}, offset.ID{}
}

// stamp gives an event its offset and keeps it. It returns the message to send in place of the one
// without.
func (r *recovery) stamp(namespace string, event Event, e logged) (*engineio.Message, error) {
	if !r.sequenced {
		e.place = r.now()
	}
	msg, err := event.encodeWith(r.offset(e.place), namespace)
	if err != nil {
		return nil, err
	}
	e.at, e.msg = time.Now(), msg.Bare()
	r.latest = e.place
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

// missed lists what a client was to be sent from a place on; false if some of that is forgotten.
func (r *recovery) missed(id string, p *past, from offset.ID) ([]*engineio.Message, bool) {
	if from.Compare(r.known) <= 0 || from.Compare(p.known) < 0 {
		return nil, false
	}
	n, _ := slices.BinarySearchFunc(r.events, from, func(e logged, id offset.ID) int { return e.place.Compare(id) })
	var list []*engineio.Message
	for _, e := range r.events[n:] {
		if e.to == id || e.to == "" && p.isMeant(e.among, e.place) {
			list = append(list, e.msg.Kept())
		}
	}
	return list, true
}

// begin starts the past of a client that is new; nil without recovery. It can have been sent what
// comes from since on.
func (r *recovery) begin(since offset.ID) *past {
	if r == nil {
		return nil
	}
	return &past{since: since}
}
