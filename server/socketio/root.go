package socketio

import "context"

// The methods of the namespace "/", on the server: go doc finds none that are embedded.

// On registers the handler of an event of the namespace "/": a function that takes nothing or a
// *[Context], and then the event's arguments.
//
//	s.On("chat", func(c *socketio.Context, m Message) error {
//		return c.To(m.Room).Emit("chat", m)
//	})
//
// [Namespace.On] has all forms that it may take, what it may return, and the names "connect",
// "disconnect" and "*". Its Flask counterpart is @socketio.on(event).
func (s *Server) On(event string, fn any) error { return s.Namespace.On(event, fn) }

// Off removes the handler of an event of "/": see [Namespace.Off]. Flask has none.
func (s *Server) Off(event string) { s.Namespace.Off(event) }

// Handle registers the methods of v for "/": see [Namespace.Handle]. Its Flask counterpart is
// socketio.on_namespace.
func (s *Server) Handle(v any) error { return s.Namespace.Handle(v) }

// Use puts middleware around the handlers of "/": see [Namespace.Use]. Flask has decorators.
func (s *Server) Use(m Middleware) { s.Namespace.Use(m) }

// OnError registers the error handler of "/": see [Namespace.OnError]. Its Flask counterpart is
// @socketio.on_error().
func (s *Server) OnError(handler ErrorHandler) { s.Namespace.OnError(handler) }

// Emit sends an event to every client of "/": see [Namespace.Emit]. Its Flask counterpart is
// socketio.emit(event, ...).
func (s *Server) Emit(event string, args ...any) error { return s.Namespace.Emit(event, args...) }

// To returns the clients of "/" that are in any of the rooms, without rooms all: see
// [Namespace.To]. Its Flask counterpart is to=.
func (s *Server) To(rooms ...string) *Target { return s.Namespace.To(rooms...) }

// Except returns every client of "/" but those in the rooms: see [Namespace.Except]. Its Flask
// counterpart is skip_sid=.
func (s *Server) Except(rooms ...string) *Target { return s.Namespace.Except(rooms...) }

// CloseRoom takes all clients of "/" out of a room: see [Namespace.CloseRoom]. Its Flask
// counterpart is socketio.close_room(room).
func (s *Server) CloseRoom(room string) { s.Namespace.CloseRoom(room) }

// OnJoin registers the listener for clients of "/" that join a room: see [Namespace.OnJoin]. Flask
// has none.
func (s *Server) OnJoin(listener func(c *Context, room string)) { s.Namespace.OnJoin(listener) }

// OnLeave registers the listener for clients of "/" that leave a room: see [Namespace.OnLeave].
// Flask has none.
func (s *Server) OnLeave(listener func(c *Context, room string)) { s.Namespace.OnLeave(listener) }

// OnOutgoing registers the listener for the events that are emitted to clients of "/": see
// [Namespace.OnOutgoing]. Flask has none.
func (s *Server) OnOutgoing(listener func(to *Target, event string, args []Value)) {
	s.Namespace.OnOutgoing(listener)
}

// EmitServers sends an event to the other servers' "/": see [Namespace.EmitServers]. Flask has
// none.
func (s *Server) EmitServers(event string, args ...any) error {
	return s.Namespace.EmitServers(event, args...)
}

// CallServers is EmitServers for who wants answers: see [Namespace.CallServers]. Flask has none.
func (s *Server) CallServers(ctx context.Context, event string, args ...any) ([]Value, error) {
	return s.Namespace.CallServers(ctx, event, args...)
}

// OnServers registers the handler of an event that another server sends to "/": see
// [Namespace.OnServers]. Flask has none.
func (s *Server) OnServers(event string, fn ServerHandler) { s.Namespace.OnServers(event, fn) }
