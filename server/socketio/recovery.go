package socketio

import (
	"encoding/json"
	"sync"
	"time"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/fanout"
	"hipflask/server/internal/packet"
)

// claims says which connection has which session, by the key that its client alone
// was told: the pid of the CONNECT answer. A client may come back before anybody has
// noticed that its old connection is gone; or while another attempt is under way.
type claims struct {
	mu sync.Mutex
	by map[string]*claim
}

// claim is held from CONNECT until the disconnect handler has run.
type claim struct {
	pid       string
	namespace string
	conn      *conn
	over      chan struct{}
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

// comeBack reads in a CONNECT packet which session the client had, ends what is left
// of that, and returns what is needed to restore it: nothing for a client that has
// none.
func (c *conn) comeBack(p *packet.Packet) (pid, offset string) {
	var had struct{ Pid, Offset json.RawMessage }
	if c.server.opts.Recovery <= 0 || c.session.Protocol() != 4 || json.Unmarshal(p.Data, &had) != nil ||
		json.Unmarshal(had.Pid, &pid) != nil || pid == "" {
		return "", ""
	}
	if json.Unmarshal(had.Offset, &offset) != nil || offset == "" {
		offset = fanout.NoOffset
	}
	if !c.takeOver(&claim{pid: pid, namespace: p.Namespace, conn: c, over: make(chan struct{})}) {
		return "", ""
	}
	return pid, offset
}

// takeOver makes the claim, once whoever had it before is gone: its handlers have
// ConnectTimeout for that, then the client is a new one.
func (c *conn) takeOver(mine *claim) bool {
	timeout := time.NewTimer(c.server.opts.ConnectTimeout)
	defer timeout.Stop()
	for {
		other := c.server.claims.put(mine)
		switch {
		case other == nil:
			c.mu.Lock()
			c.coming = mine
			c.mu.Unlock()
			return true
		case other.conn == c || other.namespace != mine.namespace:
			return false
		}
		other.conn.session.Close(engineio.TransportClose)
		if !c.waitFor(other.over, timeout.C) {
			return false
		}
	}
}

// waitFor waits until over is closed: false if this session ends before, or the time
// is up.
func (c *conn) waitFor(over <-chan struct{}, timeout <-chan time.Time) bool {
	end := make(chan struct{})
	c.mu.Lock()
	if c.ended {
		c.mu.Unlock()
		return false
	}
	c.waiting = end
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.waiting = nil
		c.mu.Unlock()
	}()
	select {
	case <-over:
		return true
	case <-end:
	case <-timeout:
		select { // both, for a process that stood still
		case <-over:
			return true
		default:
		}
		c.session.Warn("recovery", "client not given its session back: handlers of its old connection take too long",
			"timeout", c.server.opts.ConnectTimeout, "setting", "--connect-timeout")
	}
	return false
}

// Answered notes the key to the session that the client is told it has.
func (c *conn) Answered(pid string) {
	if pid == "" || c.session.IsPlain() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.coming != nil && c.coming.pid == pid {
		c.joining.claim, c.coming = c.coming, nil
		return
	}
	c.joining.claim = &claim{pid: pid, namespace: c.joining.Namespace(), conn: c, over: make(chan struct{})}
	c.server.claims.put(c.joining.claim) // nobody has it: it is new
}

// dropClaim ends the claim of a client that was not given its session back.
func (c *conn) dropClaim() {
	c.mu.Lock()
	mine := c.coming
	c.coming = nil
	c.mu.Unlock()
	c.server.claims.release(mine)
}

// remember gives the connection the values that were kept for the client, nil for a new
// one, and returns what is to be kept from now on. c.conn.mu is held.
func (c *Context) remember(was *values) *values {
	var kept *session
	if was != nil {
		kept, c.own = was.conn, was.own
	} else {
		c.own = &session{values: make(map[string]any)}
	}
	switch {
	case c.conn.values == nil && kept != nil:
		c.conn.values = kept
	case c.conn.values == nil:
		c.conn.values = c.conn.newSession()
	case kept != nil:
		c.conn.values.merge(kept) // another of its namespaces was sooner
	}
	return &values{conn: c.conn.values, own: c.own}
}

// values are what is kept for a client that was cut off.
type values struct{ conn, own *session }

// merge takes over what it does not have itself.
func (s *session) merge(kept *session) {
	if s == kept {
		return
	}
	kept.mu.Lock()
	defer kept.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, value := range kept.values {
		if _, there := s.values[key]; !there {
			s.values[key] = value
		}
	}
}
