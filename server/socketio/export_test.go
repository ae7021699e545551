package socketio

// Draining says whether Shutdown has begun.
func (s *Server) Draining() bool { return s.engine.IsDraining() }
