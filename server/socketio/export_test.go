package socketio

// Draining reports whether Shutdown has begun.
func (s *Server) Draining() bool { return s.engine.IsDraining() }

// Dynamic counts the namespaces that clients have brought into being.
func (s *Server) Dynamic() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.dynamic)
}

// InLibrary counts those of them that the library knows.
func (s *Server) InLibrary() int { return s.library.Created() }

// Held is how many bytes are taken from the memory for clients.
func (s *Server) Held() int64 { return s.memory.Used() }

// Untold counts the joins and leaves that listeners are still to be told of.
func (n *Namespace) Untold() int { return n.moves.line.Len() }
