package tasks

import "sync"

// Line is a queue that holds nobody back and shares no turns: for listeners, which hear of
// something after the fact. Its worker holds no lock, so what it does may do all that may be told
// of.
type Line[T any] struct {
	Begin func(work func()) bool // has a goroutine work, or reports that it is too late
	Do    func(task T)           // does a task
	Fit   func(waiting []T) []T  // before one more is added, may take some out; nil: takes none

	mu      sync.Mutex
	waiting []T
	working bool
}

// Push adds a task behind all others.
func (l *Line[T]) Push(task T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.Fit != nil {
		l.waiting = l.Fit(l.waiting)
	}
	l.waiting = append(l.waiting, task)
	if !l.working {
		l.working = l.Begin(l.work)
	}
}

// Len counts the tasks that wait.
func (l *Line[T]) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.waiting)
}

// work does the tasks one after another, and ends when there are none.
func (l *Line[T]) work() {
	for {
		task, ok := l.next()
		if !ok {
			return
		}
		l.Do(task)
	}
}

func (l *Line[T]) next() (task T, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		l.waiting, l.working = nil, false
		return task, false
	}
	task, l.waiting[0] = l.waiting[0], task
	l.waiting = l.waiting[1:]
	return task, true
}
