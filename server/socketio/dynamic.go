package socketio

import "time"

// maxDynamic is how many namespaces there can be at a time that clients have brought into being,
// through [Server.OfFunc] and Of("*").
const maxDynamic = 10_000

// standsFor reports whether clients may bring a namespace of that name into being.
func (n *Namespace) standsFor(name string) (match bool) {
	if n.match == nil {
		return true
	}
	n.server.guard(func() { match = n.match(name) }, "the function of OfFunc panicked", "namespace", name)
	return match
}

// pattern is the namespace that stands for one of that name, nil if none does.
func (s *Server) pattern(name string) *Namespace {
	s.mu.RLock()
	patterns, all := s.patterns, s.spaces["*"]
	s.mu.RUnlock()
	for _, n := range patterns {
		if n.standsFor(name) {
			return n
		}
	}
	return all
}

// handling is the namespace whose handlers a client of that name gets.
func (s *Server) handling(name string) *Namespace {
	s.mu.RLock()
	own, d := s.spaces[name], s.dynamic[name]
	s.mu.RUnlock()
	switch {
	case own != nil && own.isUsed():
		return own
	case d != nil:
		return d.of
	}
	if n := s.pattern(name); n != nil {
		return n
	}
	return own
}

// enter brings a namespace into being that OfFunc or Of("*") stands for, unless it is there, for as
// long as a client tries to connect to it. What it returns ends that.
func (s *Server) enter(name string) (done func()) {
	s.mu.RLock()
	own := s.spaces[name]
	s.mu.RUnlock()
	if own != nil { // for good
		return func() {}
	}
	n := s.pattern(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.dynamic[name]
	if d == nil {
		if d = s.createLocked(name, n); d == nil {
			return func() {}
		}
	}
	s.useLocked(d)
	return func() { s.leave(d) }
}

// createLocked brings a namespace into being that n stands for; nil if it may not be.
func (s *Server) createLocked(name string, n *Namespace) *dynamic {
	if n == nil || s.spaces[name] != nil {
		return nil
	}
	if len(s.dynamic) >= maxDynamic {
		s.log.Warn("namespace refused: clients are connected to too many", "limit", maxDynamic)
		return nil
	}
	d := &dynamic{name: name, of: n}
	d.rooms, d.forget = s.library.Create(name)
	s.dynamic[name] = d
	return d
}

// use notes that the client is connected to a namespace, which is not forgotten before its
// disconnect handler has run.
func (s *Server) use(c *Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.in = s.dynamic[c.Namespace()]; c.in != nil {
		s.useLocked(c.in)
	}
}

func (s *Server) useLocked(d *dynamic) {
	d.users++
	if d.empty != nil {
		d.empty.Stop()
		d.empty = nil
	}
}

// leave ends a use of the namespace; nil is one that is never forgotten.
func (s *Server) leave(d *dynamic) {
	if d == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	d.users--
	switch {
	case d.users > 0:
	case s.opts.Recovery > 0:
		d.empty = time.AfterFunc(s.opts.Recovery, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.forgetLocked(d)
		})
	default:
		s.forgetLocked(d)
	}
}

// forgetLocked forgets the namespace if nobody uses it.
func (s *Server) forgetLocked(d *dynamic) {
	if d.users > 0 || d.kept || s.dynamic[d.name] != d {
		return
	}
	delete(s.dynamic, d.name)
	d.forget()
}
