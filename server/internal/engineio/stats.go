package engineio

// Stats is what a [Server] has counted since it began, and what it has now.
type Stats struct {
	Sessions map[Kind]int // that are there now
	Backlog  int64        // bytes that wait for clients, answers to polls that are being written and what each message costs beside its frame included
	Stalled  int          // sessions whose client's side of the connection takes no more

	Opened  map[Kind]uint64
	Closed  map[Reason]uint64  // one for each session that is gone
	Traffic map[Client]Traffic // of all sessions, those that are gone included
	Refused map[Cause]uint64   // what was not accepted, and clients given up

	UpgradesDone, UpgradesFailed uint64 // of the WebSockets that were opened for a session that polled
}

// Stats counts. It looks at each session, and holds up those that open or end meanwhile.
func (srv *Server) Stats() Stats {
	st := Stats{
		Sessions:       make(map[Kind]int),
		Opened:         make(map[Kind]uint64),
		Closed:         make(map[Reason]uint64),
		Traffic:        map[Client]Traffic{SocketIO: {}, PlainWebSocket: {}},
		Refused:        srv.refusals.counts(),
		UpgradesDone:   srv.upgrades.done.Load(),
		UpgradesFailed: srv.upgrades.failed.Load(),
	}
	for _, r := range reasons() {
		st.Closed[r] = 0
	}
	for _, k := range srv.kinds() {
		st.Sessions[k], st.Opened[k] = 0, 0
	}
	srv.mu.RLock() // all along: a session is either here or among those that are gone
	defer srv.mu.RUnlock()
	for k, n := range srv.tally.opened {
		st.Opened[k] = n
	}
	for r, n := range srv.tally.closed {
		st.Closed[r] = n
	}
	for c, t := range srv.tally.traffic {
		st.Traffic[c] = t
	}
	for _, s := range srv.sessions {
		st.look(s)
	}
	return st
}

// look adds a session that is there.
func (st *Stats) look(s *Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.kindLocked()
	st.Sessions[k]++
	st.Backlog += int64(s.waitingLocked())
	if s.stalledLocked() {
		st.Stalled++
	}
	sum := st.Traffic[k.Client()]
	sum.add(s.meter.traffic())
	st.Traffic[k.Client()] = sum
}

// kinds lists what sessions there can be: a counter that is seen before it counts shows its first
// step.
func (srv *Server) kinds() []Kind {
	list := []Kind{{transportWebSocket, 0}}
	for _, protocol := range []int{3, 4} {
		if srv.cfg.Polling {
			list = append(list, Kind{transportPolling, protocol})
		}
		if srv.cfg.WebSocket {
			list = append(list, Kind{transportWebSocket, protocol})
		}
	}
	return list
}
