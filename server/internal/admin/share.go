package admin

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"hipflask/server/internal/packet"
)

// sharedEvent is what servers say to each other for the UIs, in the namespace of those. It goes to
// servers, and so costs neither clients nor the stream anything; Node's servers leave it alone.
const sharedEvent = "hipflask:admin"

const (
	// gatherTime is how long what is said is gathered: one message for much.
	gatherTime = 50 * time.Millisecond
	// maxMessage is how much of it a message has, about: so a server says 2.5 MiB a second at most,
	// whatever its clients do.
	maxMessage = 128 << 10
	// maxUnsent is how much may wait. What a UI is told when it comes has to fit.
	maxUnsent = 8 << 20
	// maxVerbose is how much may wait where more events of clients are left out.
	maxVerbose = maxMessage
)

// share is what this server still has to say to the others.
type share struct {
	mu    sync.Mutex
	queue []packet.Value
	bytes int
	due   bool          // the UIs that are connected here are to be named, whatever else is said
	fresh []string      // UIs of other servers that do not know this one's clients yet
	wake  chan struct{} // has an element when there is something to do

	sent, dropped, refused atomic.Uint64
}

func newShare() *share { return &share{wake: make(chan struct{}, 1)} }

// Counts are of events for UIs of other servers, and from them.
type Counts struct {
	Sent    uint64 // to the other servers
	Dropped uint64 // not sent: too much waited
	Refused uint64 // of other servers, that were none
}

// Counts reads the counters.
func (a *Admin) Counts() Counts {
	if a == nil || a.share == nil {
		return Counts{}
	}
	return Counts{Sent: a.share.sent.Load(), Dropped: a.share.dropped.Load(), Refused: a.share.refused.Load()}
}

// message is what one server says to all others.
type message struct {
	From   string         `json:"from"`   // the server, by a name that its process alone has
	UIs    []string       `json:"uis"`    // the UIs that are connected to it now
	Events []packet.Value `json:"events"` // of them each is an outgoing
}

// outgoing is an event for UIs of other servers.
type outgoing struct {
	To    []string `json:"to,omitempty"` // these UIs alone
	Event string   `json:"event"`
	Args  []any    `json:"args"`
}

// isVerbose reports whether an event tells nothing that a UI has to know for what it shows of
// servers, clients and rooms.
func isVerbose(event string) bool { return event == "event_received" || event == "event_sent" }

// tellOthers sends an event to UIs of other servers: to all, if to is empty. It does not wait. It
// is for who has found a.elsewhere to be above 0, as there are no others without a cluster.
func (a *Admin) tellOthers(to []string, event string, args ...any) {
	v, err := packet.NewValue(outgoing{to, event, args})
	if err != nil {
		a.log.Error("admin event not sent", "event", event, "error", err)
		return
	}
	s := a.share
	s.mu.Lock()
	defer s.mu.Unlock()
	size := len(v.JSON)
	limit := maxUnsent
	if isVerbose(event) {
		limit = maxVerbose
	}
	if s.bytes+size > limit {
		if s.dropped.Add(1); !isVerbose(event) {
			a.log.Warn("admin event for other servers given up: too much waits for them", "limit", maxUnsent)
		}
		return
	}
	s.queue = append(s.queue, v)
	s.bytes += size
	s.signalLocked()
}

// announce has the other servers told which UIs are connected here.
func (a *Admin) announce() {
	if a.share == nil {
		return
	}
	a.share.mu.Lock()
	defer a.share.mu.Unlock()
	a.share.due = true
	a.share.signalLocked()
}

func (s *share) signalLocked() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// take returns the events of the next message, and whether there is one.
func (s *share) take() (events []packet.Value, due, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	size, n := 0, 0
	for n < len(s.queue) && (n == 0 || size+len(s.queue[n].JSON) <= maxMessage) {
		size += len(s.queue[n].JSON)
		n++
	}
	events, due = s.queue[:n:n], s.due || n > 0
	s.queue, s.bytes, s.due = s.queue[n:], s.bytes-size, false
	if len(s.queue) == 0 {
		s.queue = nil
	}
	return events, due, len(s.queue) > 0
}

// send sends the other servers what is queued for them, until ctx ends. Then it sends the rest at
// once: that this server's clients have left, and its UIs.
func (a *Admin) send(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-a.share.wake:
		}
		gathered, cancel := context.WithTimeout(ctx, gatherTime)
		<-gathered.Done()
		cancel()
		a.introduce()
		if a.say() {
			a.share.mu.Lock()
			a.share.signalLocked()
			a.share.mu.Unlock()
		}
	}
	for a.say() {
	}
}

// say sends one message, if there is one, and reports whether more is left.
func (a *Admin) say() (more bool) {
	events, due, more := a.share.take()
	if !due {
		return more
	}
	if err := a.space.EmitServers(sharedEvent, message{a.instance, a.ownUIs(), events}); err != nil {
		a.share.dropped.Add(uint64(len(events)))
		a.log.Error("admin events not sent to the other servers", "error", err)
		return more
	}
	a.share.sent.Add(uint64(len(events)))
	return more
}

// ownUIs are the ids of the UIs that are connected here, up to those that others keep.
func (a *Admin) ownUIs() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	ids := make([]string, 0, min(len(a.uis), maxUIs))
	for id := range a.uis {
		if len(ids) == maxUIs {
			break
		}
		ids = append(ids, id)
	}
	return ids
}

// introduce tells UIs of other servers that have come of this server and its clients. They are told
// of each as of one that connects: what the UI is told of all sockets takes the place of what it
// knows.
func (a *Admin) introduce() {
	s := a.share
	s.mu.Lock()
	fresh := s.fresh
	s.fresh = nil
	s.mu.Unlock()
	if len(fresh) == 0 {
		return
	}
	a.listing.Lock()
	defer a.listing.Unlock()
	now := a.view.Stats()
	a.tellOthers(fresh, "server_stats", a.stats(&now, nil))
	for c := range a.clients() {
		a.tellOthers(fresh, "socket_connected", a.describe(c), written(c.Since()))
	}
}
