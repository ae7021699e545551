package socketio

import (
	"encoding/json"
	"time"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/fanout"
	"hipflask/server/internal/locks"
	"hipflask/server/internal/packet"
)

// claims holds which connection has which session, by the key that its client alone was told: the
// pid of the CONNECT answer. A client may come back before anybody has noticed that its old
// connection is gone; or while another attempt is under way. So a session has one connection at a
// time.
type claims struct {
	timeout time.Duration // how long handlers of the old connection have to end; set once, 0 without recovery

	mu locks.Claims
	by map[string]*claim
}

// claim is held from CONNECT until the disconnect handler has run.
type claim struct {
	pid       string
	namespace string
	session   *engineio.Session // of the connection
	over      chan struct{}     // closed when it ends
}

func newClaim(pid, namespace string, session *engineio.Session) *claim {
	return &claim{pid: pid, namespace: namespace, session: session, over: make(chan struct{})}
}

// put makes the claim, or returns the one that stands against it.
func (s *claims) put(mine *claim) (other *claim) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if other = s.by[mine.pid]; other != nil {
		return other
	}
	if s.by == nil {
		s.by = make(map[string]*claim)
	}
	s.by[mine.pid] = mine
	return nil
}

// release ends a claim. nil is none.
func (s *claims) release(mine *claim) {
	if mine == nil {
		return
	}
	s.mu.Lock()
	delete(s.by, mine.pid)
	s.mu.Unlock()
	close(mine.over)
}

// ender is what knows of the end of a connection.
type ender interface{ Done() <-chan struct{} }

// comeBack reads in a CONNECT packet which session the client had and takes it over. It returns the
// claim to it, nil for a client that is a new one, and the offset of the last event that it has
// seen. It may take as long as handlers have, but no longer than the client is there.
func (s *claims) comeBack(p *packet.Packet, session *engineio.Session, conn ender) (mine *claim, offset string) {
	if s.timeout <= 0 || session.Protocol() != 4 || p.Data == nil {
		return nil, ""
	}
	var had struct{ Pid, Offset json.RawMessage }
	var pid string
	if json.Unmarshal(p.Data, &had) != nil || json.Unmarshal(had.Pid, &pid) != nil || pid == "" {
		return nil, ""
	}
	var last string
	if json.Unmarshal(had.Offset, &last) != nil || last == "" {
		last = fanout.NoOffset
	}
	mine = newClaim(pid, p.Namespace, session)
	if !s.takeOver(mine, conn.Done()) {
		return nil, ""
	}
	return mine, last
}

// takeOver makes the claim, once whoever had it before is gone: its handlers have the timeout for
// that, then the client is a new one.
func (s *claims) takeOver(mine *claim, gone <-chan struct{}) bool {
	timeout := time.NewTimer(s.timeout)
	defer timeout.Stop()
	for late := false; ; {
		other := s.put(mine)
		switch {
		case other == nil:
			return true
		case other.session == mine.session || other.namespace != mine.namespace:
			return false
		case late:
			mine.session.Warn(engineio.CauseRecovery, "client not given its session back: handlers of its old connection take too long",
				"timeout", s.timeout)
			return false
		}
		other.session.Close(engineio.TransportClose)
		select {
		case <-other.over:
		case <-gone:
			return false
		case <-timeout.C: // the other may be over as well, where the process stood still
			late = true
		}
	}
}

// answered is the claim to the session whose key the client is about to be told: returning, if that
// is what it has come back to, or else one that nobody had before.
func (s *claims) answered(pid, namespace string, session *engineio.Session, returning *claim) *claim {
	if returning != nil && returning.pid == pid {
		return returning
	}
	mine := newClaim(pid, namespace, session)
	s.put(mine)
	return mine
}
