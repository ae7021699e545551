package socketio

import (
	"runtime/debug"
	"sync"
)

// line is what a listener is still to be told. A goroutine, which exists while there is
// something, tells one after another, in order and with no lock held: so whatever happens
// waits for no listener, and a listener may do what a handler may.
type line[T any] struct {
	server *Server
	tell   func(T)
	fit    func(waiting []T) []T // may take something out before more comes; nil: nothing

	mu      sync.Mutex
	waiting []T
	working bool
}

// add puts something at the end.
func (l *line[T]) add(item T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fit != nil {
		l.waiting = l.fit(l.waiting)
	}
	l.waiting = append(l.waiting, item)
	if !l.working {
		l.working = l.server.aside(l.work)
	}
}

func (l *line[T]) work() {
	for {
		l.mu.Lock()
		if len(l.waiting) == 0 {
			l.waiting, l.working = nil, false
			l.mu.Unlock()
			return
		}
		var none T
		item := l.waiting[0]
		l.waiting[0] = none
		l.waiting = l.waiting[1:]
		l.mu.Unlock()
		l.one(item)
	}
}

func (l *line[T]) one(item T) {
	defer func() {
		if p := recover(); p != nil {
			l.server.log.Error("listener panicked", "panic", p, "stack", string(debug.Stack()))
		}
	}()
	l.tell(item)
}
