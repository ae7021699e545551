package engineio

import (
	"slices"
	"sync"

	"hipflask/server/internal/locks"
)

// worthDropping is how many bytes a client must keep waiting to be dropped for another one's sake.
const worthDropping = 64 << 10

// registry is the list of a server's sessions.
type registry struct {
	relieving locks.Relieving // held by who drops clients to make room

	mu          locks.Registry
	sessions    map[string]*Session
	ended       [64]ended // the sessions that ended last
	nextEnd     int
	draining    bool
	tally       tally
	empty       chan struct{}   // closed once draining and without sessions
	workerCount *sync.WaitGroup // what addWorker adds to
}

// ended is what is kept of a session for a while.
type ended struct {
	id     string
	reason Reason
}

func (g *registry) init(workers *sync.WaitGroup) {
	g.sessions = make(map[string]*Session)
	g.empty = make(chan struct{})
	g.workerCount = workers
	g.tally.init()
}

// add puts a session on the list, once open has returned its receiver: with the lock held, so that
// Shutdown meets whole sessions only. It fails when the server is going down.
func (g *registry) add(s *Session, kind Kind, open func(*Session) Receiver) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.draining {
		return false
	}
	s.rcv = open(s)
	s.worker, _ = s.rcv.(Worker)
	g.sessions[s.id] = s
	g.tally.opened[kind]++
	return true
}

// find returns the session with this id, or nil.
func (g *registry) find(sid string) *Session {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.sessions[sid]
}

// lately returns why a session ended, if that is not long ago.
func (g *registry) lately(sid string) (reason Reason, ok bool) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	i := slices.IndexFunc(g.ended[:], func(e ended) bool { return e.id == sid })
	if i < 0 {
		return "", false
	}
	return g.ended[i].reason, true
}

// receiver implements registrar.
func (g *registry) receiver(s *Session) Receiver {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return s.rcv
}

// remove implements registrar.
func (g *registry) remove(s *Session) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.sessions[s.id] != s {
		return
	}
	delete(g.sessions, s.id)
	g.ended[g.nextEnd%len(g.ended)] = ended{s.id, g.tally.gone(s)}
	g.nextEnd++
	g.checkEmptyLocked()
}

// checkEmptyLocked tells Shutdown that the last session is gone.
func (g *registry) checkEmptyLocked() {
	if !g.draining || len(g.sessions) > 0 {
		return
	}
	select {
	case <-g.empty:
	default:
		close(g.empty)
	}
}

// drain has no session added any more, and reports whether that was so already.
func (g *registry) drain() (already bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	already, g.draining = g.draining, true
	g.checkEmptyLocked()
	return already
}

// IsDraining reports whether Shutdown has begun: new clients are refused, and those that are there
// are served until their turn to be closed.
func (g *registry) IsDraining() bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.draining
}

// addWorker implements registrar.
func (g *registry) addWorker() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.draining {
		return false
	}
	g.workerCount.Add(1)
	return true
}

// Count is the number of sessions.
func (g *registry) Count() int {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return len(g.sessions)
}

func (g *registry) all() []*Session {
	g.mu.RLock()
	defer g.mu.RUnlock()
	list := make([]*Session, 0, len(g.sessions))
	for _, s := range g.sessions {
		list = append(list, s)
	}
	return list
}

// relieve implements registrar: it drops those that hold most, asking among them. Where that does
// not help, asking is dropped.
func (g *registry) relieve(asking *Session) bool {
	g.relieving.Lock() // so that a second one finds room instead of dropping more
	defer g.relieving.Unlock()
	for asking.srv.cfg.Memory.Full() {
		s := g.heaviest()
		if s == nil {
			s = asking
		}
		s.tellMemory()
		s.abort(TransportError)
		if s == asking {
			return false
		}
	}
	return true
}

// heaviest is the session that keeps most bytes waiting, nil if none keeps many.
func (g *registry) heaviest() *Session {
	var found *Session
	most := worthDropping
	for _, s := range g.all() {
		if n := s.held(); n > most {
			found, most = s, n
		}
	}
	return found
}

// tally is what the server counts of sessions that come and go. Its owner guards it.
type tally struct {
	opened  map[Kind]uint64
	closed  map[Reason]uint64
	traffic map[Client]Traffic // of the sessions that are gone
}

func (t *tally) init() {
	t.opened = make(map[Kind]uint64)
	t.closed = make(map[Reason]uint64)
	t.traffic = make(map[Client]Traffic)
}

// gone counts a session that has been taken off the list, and returns why it ended.
func (t *tally) gone(s *Session) Reason {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.closed[s.reason]++
	client := s.kindLocked().Client()
	sum := t.traffic[client]
	sum.add(s.meter.traffic())
	t.traffic[client] = sum
	return s.reason
}
