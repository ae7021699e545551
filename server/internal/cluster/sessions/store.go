package sessions

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"hipflask/server/internal/causes"
	"hipflask/server/internal/cluster/nodewire"
	"hipflask/server/internal/fanout"
)

const (
	// saveTime is how long a client waits until its session is in Redis, and takeTime how long one
	// that comes back waits for Redis. A client whose Redis is away waits once.
	saveTime = time.Second
	takeTime = 3 * time.Second
	// askTime is how long another server has to end the connection of a client that comes back
	// here.
	askTime = 3 * time.Second

	// maxEnded is how many sessions wait to be written whose clients are gone.
	maxEnded = 1 << 16

	longestRenewal, shortestRenewal = 20 * time.Second, 250 * time.Millisecond
)

// maxTakes is how many clients come back at a time.
const maxTakes = 64

// maxAnswers is how many questions are dealt with at a time.
const maxAnswers = 256

// takenFor is how long a session that was taken stays in Redis until its client is connected.
const takenFor = 2 * time.Minute

// Options say where the sessions are, and whose they are here.
type Options struct {
	Redis  redis.Cmdable                                // where keys are kept
	Node   func(context.Context) (*redis.Client, error) // where servers hear each other
	Prefix string                                       // of the cluster
	Server string                                       // the name of this one, nodewire.ServerDigits long
	Logger *slog.Logger
}

// Store keeps the sessions of one server's clients in Redis. Its methods may be called from any
// goroutine.
type Store struct {
	opts        Options
	start, head string // how sessions begin, see nodewire.SessionStart

	life context.Context
	end  context.CancelFunc
	done chan struct{} // closed when the writer has ended
	more chan struct{} // holds a value if something is to be written

	takes    chan struct{} // one for each client that asks Redis for its session
	answers  chan struct{} // one for each question of another server that is dealt with
	outcomes map[fanout.Outcome]*atomic.Uint64

	mu     sync.Mutex
	kept   map[string]*entry // by pid
	queue  []*entry          // those with something to write
	ended  int               // those whose clients are gone
	asked  map[string]chan answer
	silent map[string]time.Time // servers that did not answer, and when
	away   bool                 // Redis did not take the last that was written
	closed bool
}

// entry is a session of a client that is here, or was until lately. It is guarded by the store's
// mutex.
type entry struct {
	pid     string
	of      fanout.Kept
	queued  bool
	changed uint64 // counts the changes
	written uint64 // up to this one it stands in Redis
	renewed time.Time
	keep    time.Duration // that the client may be gone

	over     bool // the client is gone, and its end handled
	lost     bool // another server has it, or wants it: it is not written any more
	discard  bool // it is to be removed
	overAt   time.Time
	progress chan struct{} // closed and replaced when something of this changes
}

// New makes a store, which does nothing before Run.
func New(o Options) *Store {
	st := &Store{
		opts: o,
		done: make(chan struct{}), more: make(chan struct{}, 1),
		takes: make(chan struct{}, maxTakes), answers: make(chan struct{}, maxAnswers),
		kept: make(map[string]*entry), asked: make(map[string]chan answer), silent: make(map[string]time.Time),
		outcomes: make(map[fanout.Outcome]*atomic.Uint64),
	}
	for _, o := range Outcomes {
		st.outcomes[o] = new(atomic.Uint64)
	}
	st.start, st.head = nodewire.SessionStart(o.Server)
	st.life, st.end = context.WithCancel(context.Background())
	return st
}

// Outcomes are those that are counted.
var Outcomes = []fanout.Outcome{
	fanout.FromHere, fanout.FromOther, fanout.NotFound, fanout.Unreadable, fanout.Forgotten, fanout.Unknown,
}

// Count counts how a client's attempt to come back to its session ended.
func (st *Store) Count(o fanout.Outcome) {
	st.outcomes[o].Add(1)
	switch o {
	case fanout.NotFound:
		st.opts.Logger.Info("a client came back to a session that Redis does not have: it is a new one")
	case fanout.Forgotten:
		st.opts.Logger.Warn("a client that came back is a new one: the stream no longer has all that it missed",
			"cause", causes.Stream)
	}
}

// Stats are counters and states.
type Stats struct {
	Outcomes map[fanout.Outcome]uint64
	Kept     int // sessions of this server in Redis, or on their way there
	Unsaved  int // those of them whose latest change is not there yet
}

// Stats returns them.
func (st *Store) Stats() Stats {
	s := Stats{Outcomes: make(map[fanout.Outcome]uint64, len(st.outcomes))}
	for o, n := range st.outcomes {
		s.Outcomes[o] = n.Load()
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, e := range st.kept {
		if !e.discard && !e.lost {
			s.Kept++
			if e.written < e.changed {
				s.Unsaved++
			}
		}
	}
	return s
}

// await waits until ready of an entry, and reports whether it is. ready is called with the store
// locked.
func (st *Store) await(e *entry, timeout <-chan time.Time, ready func() bool) bool {
	for {
		st.mu.Lock()
		is, progress := ready(), e.progress
		st.mu.Unlock()
		if is {
			return true
		}
		select {
		case <-progress:
		case <-timeout:
			return false
		case <-st.life.Done():
			return false
		}
	}
}

func (st *Store) overLocked(e *entry) {
	e.over, e.overAt = true, time.Now()
	st.ended++
	e.notifyLocked()
}

// notifyLocked wakes those who wait for a change of the entry.
func (e *entry) notifyLocked() {
	close(e.progress)
	e.progress = make(chan struct{})
}

func (st *Store) discardLocked(pid string) {
	e := st.kept[pid]
	if e == nil {
		if st.ended >= maxEnded {
			return // Redis forgets it by itself
		}
		e = &entry{pid: pid, keep: takenFor, over: true, overAt: time.Now(), progress: make(chan struct{})}
		st.kept[pid] = e
		st.ended++
	}
	e.discard = true
	st.queueLocked(e)
	e.notifyLocked()
}

// queueLocked has an entry written.
func (st *Store) queueLocked(e *entry) {
	if e.queued {
		return
	}
	e.queued = true
	st.queue = append(st.queue, e)
	select {
	case st.more <- struct{}{}:
	default:
	}
}

func (st *Store) removeLocked(e *entry) {
	if st.kept[e.pid] != e {
		return
	}
	delete(st.kept, e.pid)
	if e.over {
		st.ended--
	}
	e.lost = true
	e.notifyLocked()
}

// noteLocked notes whether Redis takes what is written; while it does not, nobody waits.
func (st *Store) noteLocked(err error) {
	was := st.away
	st.away = err != nil
	switch {
	case st.life.Err() != nil:
	case st.away && !was:
		for _, e := range st.kept {
			e.notifyLocked()
		}
		st.opts.Logger.Warn("clients' sessions are not kept: who comes back meanwhile is a new client", "error", shortened(err),
			"cause", causes.Away)
	case was && !st.away:
		st.opts.Logger.Info("clients' sessions are kept again")
	}
}

// loseLocked is for a session that another server has: a client that is still connected here is not
// the one that is there.
func (st *Store) loseLocked(e *entry) {
	e.lost = true
	e.notifyLocked()
	if !e.over {
		go e.of.Cut()
	}
}

// shortened is an error without what a command was given, which is a secret.
func shortened(err error) string {
	text, _, _ := strings.Cut(err.Error(), ", with args")
	const most = 200
	return text[:min(most, len(text))]
}

// answer is what another server says of a session.
type answer struct {
	session *fanout.Session // nil: what is in Redis is all
	gone    bool
}
