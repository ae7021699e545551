package engineio

// worthDropping is how many bytes a client must keep waiting to be dropped for another
// one's sake.
const worthDropping = 64 << 10

// relieve makes room in what all clients together may hold, by dropping those that
// hold most, asking among them. Where that does not help, asking is dropped. It
// reports whether asking may go on. No session's mutex is held.
func (srv *Server) relieve(asking *Session) bool {
	srv.relieving.Lock() // so that a second one finds room instead of dropping more
	defer srv.relieving.Unlock()
	for srv.cfg.Memory.Full() {
		s := srv.heaviest()
		if s == nil {
			s = asking
		}
		srv.refusals.memory(s)
		s.abort(TransportError)
		if s == asking {
			return false
		}
	}
	return true
}

// heaviest is the session that keeps most bytes waiting, nil if none keeps many.
func (srv *Server) heaviest() *Session {
	var found *Session
	most := worthDropping
	for _, s := range srv.all() {
		if n := s.waitingBytes(); n > most {
			found, most = s, n
		}
	}
	return found
}

// waitingBytes is how many bytes wait for the client, what is being written to it
// included; 0 when all that waits is our own writer's.
func (s *Session) waitingBytes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	if s.parked {
		n = s.waiting()
	}
	if s.answer != nil {
		n += s.answer.left
	}
	return n
}
