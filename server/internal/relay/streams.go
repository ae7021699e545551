package relay

import (
	"context"
	"mime"
	"net/http"
	"sync"
	"time"

	"hipflask/server/internal/stall"
)

// streams are the requests under way.
type streams struct {
	mu     sync.Mutex
	all    map[*stream]struct{}
	closed bool
	late   bool          // no upgrade is waited for any more
	empty  chan struct{} // closed when the last one of a closed Relay has gone
}

// stream is one request with its answer.
type stream struct {
	cancel context.CancelCauseFunc
	client *stall.Writer
	failed func(http.ResponseWriter, error)

	// Guarded by streams.mu.
	open      bool // it has no end of its own
	upgrading bool // and its client does not use it yet
}

type streamKey struct{}

func streamOf(r *http.Request) *stream {
	s, _ := r.Context().Value(streamKey{}).(*stream)
	return s
}

// end ends the stream, also where it waits for its client.
func (s *stream) end() {
	s.cancel(ErrClosing)
	s.client.Cut()
}

func (l *streams) add(s *stream) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	if l.all == nil {
		l.all = make(map[*stream]struct{})
	}
	l.all[s] = struct{}{}
	return true
}

func (l *streams) remove(s *stream) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.all, s)
	if l.closed && len(l.all) == 0 {
		close(l.empty)
	}
}

func (l *streams) active() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.all)
}

// endless notes that the stream goes on until somebody ends it, and whether its client is yet to
// go over to it.
func (l *streams) endless(s *stream, upgrading bool) {
	l.mu.Lock()
	s.open, s.upgrading = true, upgrading && !l.late
	ends := l.closed && !s.upgrading
	l.mu.Unlock()
	if ends {
		s.end()
	}
}

// upgraded notes that the client has gone over to the stream.
func (l *streams) upgraded(s *stream) {
	l.mu.Lock()
	ends := l.closed && s.upgrading
	s.upgrading = false
	l.mu.Unlock()
	if ends {
		s.end()
	}
}

// upgradeGrace is how long a session may take to go over to a WebSocket that is to end. Its client
// pauses its polls for that, and one of npm's whose WebSocket is cut then neither polls nor sends
// anything any more until it misses the next ping. Once it has gone over it comes back at once.
const upgradeGrace = 2 * time.Second

// close ends those without an end, waits for the others until ctx ends, and then cuts them too.
func (l *streams) close(ctx context.Context) error {
	l.mu.Lock()
	if !l.closed {
		l.closed, l.empty = true, make(chan struct{})
		if len(l.all) == 0 {
			close(l.empty)
		}
	}
	l.mu.Unlock()
	l.endAll(func(s *stream) bool { return s.open && !s.upgrading })
	grace := time.NewTimer(upgradeGrace)
	defer grace.Stop()
	select {
	case <-l.empty:
		return nil
	case <-grace.C:
	case <-ctx.Done():
	}
	l.mu.Lock()
	l.late = true
	l.mu.Unlock()
	l.endAll(func(s *stream) bool { return s.open })
	select {
	case <-l.empty:
		return nil
	case <-ctx.Done():
	}
	l.endAll(func(*stream) bool { return true })
	return context.Cause(ctx)
}

func (l *streams) endAll(which func(*stream) bool) {
	l.mu.Lock()
	var chosen []*stream
	for s := range l.all {
		if which(s) {
			chosen = append(chosen, s)
		}
	}
	l.mu.Unlock()
	for _, s := range chosen {
		s.end()
	}
}

func isEvents(h http.Header) bool {
	kind, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	return kind == "text/event-stream"
}
