package engineio

import "hipflask/server/internal/websocket"

// socket is what a session knows of its WebSocket and of whose turn to write to it is. Its owner
// guards it.
type socket struct {
	conn    *websocket.Conn // the transport in use; nil while polling
	wire    wire
	packer  *packer       // nil: the client takes nothing compressed
	writing bool          // a goroutine writes to conn
	dirty   bool          // on the flusher's list
	turn    chan struct{} // closed when the turn of writing or the session ends; nil unless awaited
}

// awaitTurn returns what is closed when the turn of writing ends; nil if nobody writes.
func (s *socket) awaitTurn() <-chan struct{} {
	if !s.writing {
		return nil
	}
	s.turn = make(chan struct{})
	return s.turn
}

// endTurn wakes who waits to write the last frame.
func (s *socket) endTurn() {
	if s.turn != nil {
		close(s.turn)
		s.turn = nil
	}
}

// upgrade is the going over of a session that polls to a WebSocket. Its owner guards it.
type upgrade struct {
	begun     bool            // a WebSocket was opened for the session
	probe     *websocket.Conn // it, until it takes over
	probed    bool            // its probe was answered: polls are to end soon
	abandoned bool            // that came to nothing, and no poll has come since
}

// giveUp is called when the WebSocket did not take over. idle is whether no poll waits, except one
// that is about to be answered.
func (u *upgrade) giveUp(idle bool) { *u = upgrade{abandoned: u.probed && idle} }

// isAway reports whether the session's polls have ended, so that its client may have left in the
// middle of the upgrade.
func (u *upgrade) isAway() bool { return u.probed || u.abandoned }
