package tasks

import (
	"slices"
	"sync"
	"testing"
)

// One worker at a time does what was pushed, in order, also by what it does; and ends.
func TestLine(t *testing.T) {
	var workers sync.WaitGroup
	starts := 0
	var done []int
	var l *Line[int]
	l = &Line[int]{
		Begin: func(work func()) bool {
			starts++
			workers.Go(work)
			return true
		},
		Do: func(n int) {
			if done = append(done, n); n == 2 {
				l.Push(4)
			}
		},
	}
	for n := range 4 {
		l.Push(n)
	}
	workers.Wait()
	l.Push(5)
	workers.Wait()
	for n := range 4 { // 4 came before or after 3
		if i := slices.Index(done, n); i < 0 || n > 0 && slices.Index(done, n-1) > i {
			t.Errorf("done: %v", done)
		}
	}
	if slices.Index(done, 4) < slices.Index(done, 2) || len(done) != 6 || done[5] != 5 || starts < 2 || l.Len() != 0 {
		t.Errorf("done: %v, with %d workers", done, starts)
	}
}

// What waits may be taken out before more comes, and nothing is done once it is too late.
func TestLineThatIsFitted(t *testing.T) {
	open := false
	var work func()
	var done []int
	l := &Line[int]{
		Begin: func(w func()) bool { work = w; return open },
		Do:    func(n int) { done = append(done, n) },
		Fit:   func(waiting []int) []int { return waiting[max(0, len(waiting)-1):] },
	}
	for n := range 5 {
		l.Push(n)
	}
	if l.Len() != 2 || len(done) > 0 {
		t.Errorf("%d wait, %v are done", l.Len(), done)
	}
	open = true
	l.Push(5)
	if work(); !slices.Equal(done, []int{4, 5}) {
		t.Errorf("done: %v", done)
	}
}
