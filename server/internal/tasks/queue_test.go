package tasks

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// owner notes what it does. A task is a letter; do, if not nil, does more.
type owner struct {
	queue   Queue[string]
	do      func(task string)
	workers sync.WaitGroup
	at      atomic.Int32 // workers at work
	starts  int
	done    []string
	held    int
}

func (o *owner) Start() {
	o.starts++
	o.workers.Go(o.queue.Run)
}

func (o *owner) Do(task string, size int) {
	if o.at.Add(1) > 1 {
		panic("two at once")
	}
	defer o.at.Add(-1)
	if size > 0 {
		task += fmt.Sprint(size)
	}
	if o.do != nil {
		o.do(task)
	}
	o.done = append(o.done, task)
}

func (o *owner) HeldBack() { o.held++ }

// group holds readers back over four tasks, or 100 bytes.
func group() *Group {
	return &Group{MaxTasks: 4, MaxBytes: 100,
		Copies: func() uint64 { return 0 }, IsOver: func() bool { return false }}
}

func newOwner(g *Group, do func(o *owner, task string)) *owner {
	o := new(owner)
	if do != nil {
		o.do = func(task string) { do(o, task) }
	}
	o.queue.Init(g, o, "first")
	return o
}

// check waits until all is done, and compares.
func (o *owner) check(t *testing.T, want ...string) {
	t.Helper()
	o.workers.Wait()
	if !slices.Equal(o.done, want) {
		t.Errorf("done: %q, want %q", o.done, want)
	}
}

func TestOrder(t *testing.T) {
	o := newOwner(group(), func(o *owner, task string) {
		switch task { // both are added while others wait
		case "a":
			o.queue.Push("d", 0)
			o.queue.PushFront("next")
		case "d":
			o.queue.Push("e", 7)
		}
	})
	if o.starts > 0 {
		t.Error("somebody is woken for the first task alone")
	}
	synctest.Test(t, func(*testing.T) {
		begin := make(chan struct{})
		do := o.do
		o.do = func(task string) {
			if task == "first" {
				<-begin
			}
			do(task)
		}
		for _, task := range []string{"a", "b", "c"} {
			o.queue.Push(task, 0)
		}
		close(begin)
		o.check(t, "first", "a", "next", "b", "c", "d", "e7")
	})
	if o.starts != 1 {
		t.Errorf("%d workers, want 1", o.starts)
	}
}

func TestStart(t *testing.T) {
	o := newOwner(group(), nil)
	o.queue.Start()
	o.check(t, "first")
	o.queue.Start()
	if o.starts != 1 {
		t.Error("somebody is woken for no task")
	}
	o.queue.Push("again", 0)
	o.check(t, "first", "again")
}

// Many add tasks: each task is done, those of one in their order, and one at a time, which the
// owner checks.
func TestOneWorkerAtATime(t *testing.T) {
	const adders, each = 8, 500
	o := newOwner(group(), nil)
	var all sync.WaitGroup
	var mu sync.Mutex // Start is called by whoever adds
	o.queue.owner = &locked{o, &mu}
	for i := range adders {
		all.Go(func() {
			for n := range each {
				o.queue.Push(fmt.Sprintf("%d %03d", i, n), 0)
			}
		})
	}
	all.Wait()
	o.workers.Wait()
	if len(o.done) != adders*each+1 || o.done[0] != "first" {
		t.Fatalf("%d are done, the first is %q", len(o.done), o.done[0])
	}
	for i := range adders {
		mine := slices.DeleteFunc(slices.Clone(o.done), func(s string) bool { return s[:2] != fmt.Sprint(i, " ") })
		if len(mine) != each || !slices.IsSorted(mine) {
			t.Errorf("%d of the tasks of %d, in order: %v", len(mine), i, slices.IsSorted(mine))
		}
	}
}

// locked is an owner that several call at a time.
type locked struct {
	*owner
	mu *sync.Mutex
}

func (l *locked) Start() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.owner.Start()
}

// A reader waits over the bound, of tasks and of bytes, and goes on at half of it.
func TestReaderIsHeldBack(t *testing.T) {
	for name, c := range map[string]struct{ size, fits, goesOn int }{
		"tasks": {1, 4, 2},
		"bytes": {30, 3, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			step := make(chan struct{})
			o := newOwner(group(), func(*owner, string) { <-step })
			o.queue.Push("", 0)
			step <- struct{}{}
			synctest.Wait() // both of no size are out of the queue
			waiting := 0
			for range c.fits {
				o.queue.Push("x", c.size)
				waiting++
				if o.queue.AwaitRoom() {
					t.Fatalf("%s: held back at %d", name, waiting)
				}
			}
			o.queue.Push("x", c.size)
			waiting++
			free := false
			reader := sync.WaitGroup{}
			reader.Go(func() {
				for o.queue.AwaitRoom() {
				}
				free = true
			})
			for ; waiting > c.goesOn; waiting-- {
				if synctest.Wait(); free {
					t.Fatalf("%s: not held back at %d", name, waiting)
				}
				step <- struct{}{}
			}
			reader.Wait()
			close(step)
			o.workers.Wait()
		})
	}
}

func TestEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := make(chan struct{})
		o := newOwner(group(), func(*owner, string) { <-begin })
		for range 10 {
			o.queue.Push("x", 0)
		}
		readers := sync.WaitGroup{}
		for range 2 {
			readers.Go(func() {
				for o.queue.AwaitRoom() {
				}
			})
		}
		early := o.queue.Done()
		synctest.Wait()
		select {
		case <-early:
			t.Error("it has ended before")
		default:
		}
		x := func(task string) bool { return task == "x" }
		if y := func(task string) bool { return task == "y" }; !o.queue.EndsOrHas(x) || o.queue.EndsOrHas(y) {
			t.Error("it does not know what waits")
		}
		o.queue.End()
		readers.Wait()
		<-early
		<-o.queue.Done()
		if y := func(string) bool { return false }; !o.queue.EndsOrHas(y) {
			t.Error("it does not know that it ends")
		}
		o.queue.Push("last", 0)
		close(begin)
		o.workers.Wait()
		if n := len(o.done); n != 12 || o.done[11] != "last" {
			t.Errorf("done: %q", o.done)
		}
	})
}

// flooded adds so many tasks to a queue whose tasks are sent to a thousand clients, while another
// client has events, and returns when the first is held back.
func flooded(t *testing.T, g *Group, many int) (o *owner, begun time.Time) {
	t.Helper()
	var copies atomic.Uint64
	g.Copies = copies.Load
	other := newOwner(g, nil)
	held := make(chan struct{})
	o = newOwner(g, func(o *owner, _ string) {
		copies.Add(1000)
		if len(o.done)%turnTasks == 0 {
			other.queue.Push("now and then", 0)
			other.workers.Wait()
		}
		o.queue.GiveWay()
	})
	o.queue.owner = &noticed{o, held}
	for range many {
		o.queue.Push("x", 0)
	}
	<-held
	return o, time.Now()
}

// noticed is an owner that tells that it is held back.
type noticed struct {
	*owner
	held chan struct{}
}

func (n *noticed) HeldBack() {
	n.owner.HeldBack()
	close(n.held)
}

func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many = 10_000
		o, begun := flooded(t, group(), many)
		o.workers.Wait()
		if len(o.done) != many+1 || o.held != 1 {
			t.Errorf("%d are done, it was told %d times", len(o.done), o.held)
		}
		// Less is charged than it costs, as half of what is sent is taken for the other's.
		if took := time.Since(begun).Seconds(); took < many*1000/turnRate/2 {
			t.Errorf("it had its turns within %.1f s", took)
		}
	})
}

// Who has left waits no longer, nor does anybody once the server ends.
func TestNoTurnsAtTheEnd(t *testing.T) {
	for name, end := range map[string]func(o *owner, over *atomic.Bool){
		"the client has left": func(o *owner, _ *atomic.Bool) { o.queue.End() },
		"the server ends":     func(_ *owner, over *atomic.Bool) { over.Store(true) },
	} {
		synctest.Test(t, func(t *testing.T) {
			var over atomic.Bool
			g := group()
			g.IsOver = over.Load
			o, _ := flooded(t, g, 10_000)
			end(o, &over)
			ended := time.Now()
			o.workers.Wait()
			if took := time.Since(ended); took > turnStep {
				t.Errorf("%s: it had waited %v longer", name, took)
			}
		})
	}
}

// What is only added waits for whoever begins, one at a time; a reader that is held back
// does not wait for that.
func TestAdd(t *testing.T) {
	o := newOwner(group(), nil)
	o.queue.Add("a", 1)
	if o.starts > 0 {
		t.Error("somebody was woken")
	}
	if !o.queue.Begin() || o.queue.Begin() {
		t.Error("nobody may begin, or two may")
	}
	o.queue.Run()
	o.check(t, "first", "a1")
	if o.queue.Begin() {
		t.Error("somebody may begin with nothing to do")
	}
	for range 5 {
		o.queue.Add("b", 0)
	}
	if !o.queue.AwaitRoom() || o.starts != 1 {
		t.Errorf("the reader was not held back, or %d workers were started", o.starts)
	}
	o.check(t, "first", "a1", "b", "b", "b", "b", "b")
}
