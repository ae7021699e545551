package fanout

import (
	"crypto/rand"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io-go-parser/v2/parser"
	"github.com/zishang520/socket.io/v2/socket"

	"hipflask/server/internal/engineio"
)

// maxLogged bounds the bytes of packets that one namespace keeps for clients that
// were cut off. When there are more, the oldest go, and clients that missed those
// start anew.
const maxLogged = 64 << 20

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
	bytes  int

	sessions map[socket.PrivateSessionId]persisted
	order    []left // the sessions in the order they left
}

type logged struct {
	at            time.Time
	rooms, except []socket.Room
	data          []any
	size          int
}

type persisted struct {
	session *socket.SessionToPersist
	at      time.Time
}

type left struct {
	pid socket.PrivateSessionId
	at  time.Time
}

func newRecovery(keep time.Duration) *recovery {
	if keep <= 0 {
		return nil
	}
	return &recovery{keep: keep, epoch: rand.Text()[:8], sessions: make(map[socket.PrivateSessionId]persisted)}
}

func (r *recovery) offset(n uint64) string { return r.epoch + "-" + strconv.FormatUint(n, 36) }

// number reads an offset: false if it is not one that this process gave out.
func (r *recovery) number(offset string) (uint64, bool) {
	epoch, digits, _ := strings.Cut(offset, "-")
	n, err := strconv.ParseUint(digits, 36, 64)
	return n, err == nil && epoch == r.epoch && n < r.next
}

// stamp gives an event its offset and keeps it. It returns the message to send in
// the place of the one without.
func (r *recovery) stamp(p *parser.Packet, rooms, except []socket.Room) (*engineio.Message, error) {
	data, ok := p.Data.([]any)
	if !ok || len(data) == 0 {
		return Encode(p)
	}
	stamped := *p
	stamped.Data = append(slices.Clip(data), r.offset(r.next))
	msg, err := Encode(&stamped)
	if err != nil {
		return nil, err
	}
	if event, ok := data[0].(string); ok { // a plain client reads it without
		msg.SetPlain(func() (engineio.Plain, bool) { return readPlain(p.Nsp, event, data[1:]) })
	}
	now := time.Now()
	r.next++
	size := msg.Len()
	r.bytes += size
	r.events = append(r.events, logged{now, rooms, except, stamped.Data.([]any), size})
	r.prune(now)
	return msg, nil
}

// prune forgets what nobody may come back for any more.
func (r *recovery) prune(now time.Time) {
	n := 0
	for n < len(r.events) && (r.bytes > maxLogged || now.Sub(r.events[n].at) > r.keep) {
		r.bytes -= r.events[n].size
		r.events[n] = logged{}
		n++
	}
	r.events = r.events[n:]
	n = 0
	for n < len(r.order) && now.Sub(r.order[n].at) > r.keep {
		if s, ok := r.sessions[r.order[n].pid]; ok && !s.at.After(r.order[n].at) {
			delete(r.sessions, r.order[n].pid)
		}
		n++
	}
	r.order = r.order[n:]
}

// missed lists the events after the given number that a client in these rooms
// would have been sent; false if some of them are forgotten.
func (r *recovery) missed(after uint64, rooms []socket.Room) ([]any, bool) {
	first := r.next - uint64(len(r.events))
	if after+1 < first {
		return nil, false
	}
	in := func(room socket.Room) bool { return slices.Contains(rooms, room) }
	events := []any{}
	for _, e := range r.events[after+1-first:] {
		if (len(e.rooms) == 0 || slices.ContainsFunc(e.rooms, in)) && !slices.ContainsFunc(e.except, in) {
			events = append(events, e.data)
		}
	}
	return events, true
}

// PersistSession keeps what a client that was cut off will need to go on.
func (a *Adapter) PersistSession(s *socket.SessionToPersist) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.recovery == nil {
		return
	}
	now := time.Now()
	a.recovery.sessions[s.Pid] = persisted{s, now}
	a.recovery.order = append(a.recovery.order, left{s.Pid, now})
	a.recovery.prune(now)
}

// RestoreSession gives a client that was cut off its session back, once. From here
// on it is a member again, so that nothing comes between what it missed and what
// is sent next.
func (a *Adapter) RestoreSession(pid socket.PrivateSessionId, offset string) (*socket.Session, error) {
	a.mu.Lock()
	r := a.recovery
	if r == nil {
		a.mu.Unlock()
		return nil, nil
	}
	r.prune(time.Now())
	s, known := r.sessions[pid]
	after, ours := r.number(offset)
	if !known || !ours {
		a.mu.Unlock()
		return nil, nil
	}
	rooms := s.session.Rooms.Keys()
	missed, complete := r.missed(after, rooms)
	delete(r.sessions, pid)
	if !complete {
		a.mu.Unlock()
		return nil, nil
	}
	created, joined := a.join(a.member(s.session.Sid), rooms)
	a.mu.Unlock()
	a.announceJoined(s.session.Sid, created, joined)
	s.session.Rooms = types.NewSet(rooms...)
	return &socket.Session{SessionToPersist: s.session, MissedPackets: missed}, nil
}
