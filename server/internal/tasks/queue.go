// Package tasks owns queues of tasks: each is worked off in order, by one goroutine that exists
// while there are tasks; who fills one that is full is held back; and the queues of a server share
// the processor fairly. A Line is such a queue for who is only told.
package tasks

import (
	"slices"
	"time"

	"hipflask/server/internal/locks"
)

// Owner is whose tasks a queue holds.
type Owner[T any] interface {
	Start()              // has a goroutine call Run of the queue, once; it is not waited for
	Do(task T, size int) // does a task
	HeldBack()           // is told that tasks wait for their turn, once
}

// Group is what the queues of a server share. It must not change once there is one.
type Group struct {
	MaxTasks int           // how many may wait in a queue before its readers do
	MaxBytes int           // how much memory they may take
	Copies   func() uint64 // messages that tasks have sent on, one for each client
	IsOver   func() bool   // nobody waits for a turn any more

	shared
}

// Queue is one owner's tasks. The zero value is not ready, see Init; it must not be copied.
type Queue[T any] struct {
	// Set once.
	owner Owner[T]
	group *Group

	// Guarded by mu.
	mu      locks.Queue
	tasks   []entry[T]
	size    int           // of the tasks that wait
	working bool          // Run was asked for, and has not ended
	ended   bool          // nobody is held back any more
	room    chan struct{} // closed when a reader that is held back may look again; nil without one
	done    chan struct{} // closed by End; nil until somebody asks

	// Of the goroutine alone that works the queue off.
	turn turn
}

type entry[T any] struct {
	task T
	size int
}

// Init makes a queue ready. Its first task is done once there is another one, or Start was called:
// nobody is woken for it alone.
func (q *Queue[T]) Init(group *Group, owner Owner[T], first T) {
	q.owner, q.group = owner, group
	q.tasks = []entry[T]{{task: first}}
}

// Start has the queue worked off if something is in it.
func (q *Queue[T]) Start() {
	if q.Begin() {
		q.owner.Start()
	}
}

// Push adds a task of that size, in bytes, behind all others.
func (q *Queue[T]) Push(task T, size int) {
	q.Add(task, size)
	q.Start()
}

// Add adds a task of that size, in bytes, behind all others. It is done once somebody works the
// queue off: whoever adds calls Start or Begin then.
func (q *Queue[T]) Add(task T, size int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.tasks = append(q.tasks, entry[T]{task, size})
	q.size += size
}

// Begin reports whether the caller is to call Run: something is in the queue, and nobody works it
// off.
func (q *Queue[T]) Begin() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	begins := !q.working && len(q.tasks) > 0
	q.working = q.working || begins
	return begins
}

// PushFront adds a task before those that wait.
func (q *Queue[T]) PushFront(task T) {
	q.mu.Lock()
	q.tasks = slices.Insert(q.tasks, 0, entry[T]{task: task})
	q.mu.Unlock()
	q.Start()
}

// Run does the tasks one after another, and ends when there are none.
func (q *Queue[T]) Run() {
	q.group.runs.Add(1)
	q.turn.runs++
	for {
		next, ok := q.next()
		if !ok {
			return
		}
		q.owner.Do(next.task, next.size)
	}
}

func (q *Queue[T]) next() (next entry[T], ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.tasks) == 0 {
		q.tasks = nil
		q.working = false
		return next, false
	}
	next, q.tasks[0] = q.tasks[0], next
	q.tasks = q.tasks[1:]
	q.size -= next.size
	q.makeRoomLocked()
	return next, true
}

// GiveWay is called by Do after each event, and returns when it is the next one's turn.
func (q *Queue[T]) GiveWay() {
	if q.turn.tasks++; q.turn.tasks < turnTasks {
		return
	}
	q.turn.tasks = 0
	all := q.group
	now := time.Now()
	wait := q.turn.look(now, seen{q.turn.runs, all.runs.Load(), all.tasks.Add(turnTasks), all.Copies()}, all.waiting.Load()+1)
	if wait <= 0 || !q.isAhead() {
		return
	}
	if !q.turn.told {
		q.turn.told = true
		q.owner.HeldBack()
	}
	all.waiting.Add(1)
	defer all.waiting.Add(-1)
	for end := now.Add(wait); now.Before(end) && q.isAhead(); now = time.Now() {
		time.Sleep(min(end.Sub(now), turnStep))
	}
}

// isAhead reports whether the client has sent more than it can have answers to, and is still there,
// as is the server.
func (q *Queue[T]) isAhead() bool {
	if q.group.IsOver() {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.tasks) > fewWaiting && !q.ended
}

// AwaitRoom holds a reader back while too much waits: it reports at once that it did not have to,
// or else when there is room again, or there was: then it is to be asked once more.
func (q *Queue[T]) AwaitRoom() (waited bool) {
	q.mu.Lock()
	if q.ended || len(q.tasks) <= q.group.MaxTasks && q.size <= q.group.MaxBytes {
		q.mu.Unlock()
		return false
	}
	if q.room == nil {
		q.room = make(chan struct{})
	}
	room := q.room
	q.mu.Unlock()
	q.Start() // what was added may not be worked off yet
	<-room
	return true
}

// makeRoomLocked lets readers look again when the queue is half empty, or has ended.
func (q *Queue[T]) makeRoomLocked() {
	if q.room != nil && (q.ended || len(q.tasks) <= q.group.MaxTasks/2 && q.size <= q.group.MaxBytes/2) {
		close(q.room)
		q.room = nil
	}
}

// End says that nobody reads any more: no reader is held back, and no task waits for its turn.
// Tasks that come later are done all the same. It is called once.
func (q *Queue[T]) End() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = true
	if q.done != nil {
		close(q.done)
	}
	q.makeRoomLocked()
}

// Done is closed by End.
func (q *Queue[T]) Done() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.done == nil {
		q.done = make(chan struct{})
		if q.ended {
			close(q.done)
		}
	}
	return q.done
}

// EndsOrHas reports whether End was called, or a task for which match reports true waits.
func (q *Queue[T]) EndsOrHas(match func(task T) bool) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.ended || slices.ContainsFunc(q.tasks, func(e entry[T]) bool { return match(e.task) })
}
