// Package pool owns goroutines that are used again: for work that comes often and is short. A new
// goroutine begins with a small stack and copies it each time it grows, which costs more than what
// most events make it do.
package pool

import (
	"slices"
	"sync"
	"time"
)

// Runner is a piece of work.
type Runner interface{ Run() }

// Pool runs work in goroutines and keeps some of them for more. The zero value is ready; it must
// not be copied.
type Pool struct {
	mu      sync.Mutex
	idle    []chan Runner // the one that stopped last is at the end
	spare   int           // how many of them nobody needed since the last trim
	trims   *time.Timer   // nil while none is idle
	closed  bool
	running sync.WaitGroup
}

const (
	// maxIdle is how many goroutines a pool keeps. It bounds nothing but memory: any number may run
	// at a time.
	maxIdle = 64
	// keepIdle is how long it keeps those that are not needed, at least; at most twice that.
	keepIdle = time.Second
)

// Run has r run at once, and does not wait for it.
func (p *Pool) Run(r Runner) {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		next := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.spare = min(p.spare, n-1)
		p.mu.Unlock()
		next <- r // there is room for one
		return
	}
	closed := p.closed
	if !closed {
		p.running.Add(1)
	}
	p.mu.Unlock()
	if closed {
		go r.Run()
		return
	}
	go p.work(r)
}

func (p *Pool) work(r Runner) {
	defer p.running.Done()
	next := make(chan Runner, 1)
	grow(0)
	for ok := true; ok; r, ok = <-next {
		r.Run()
		r = nil
		if !p.rest(next) {
			return
		}
	}
}

// rest puts a goroutine among those that wait for work, if it is to be kept.
func (p *Pool) rest(next chan Runner) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= maxIdle {
		return false
	}
	p.idle = append(p.idle, next)
	if p.trims == nil {
		p.spare, p.trims = 0, time.AfterFunc(keepIdle, p.trim)
	}
	return true
}

// trim ends the goroutines that were not needed.
func (p *Pool) trim() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	for _, next := range p.idle[:p.spare] {
		close(next)
	}
	p.idle = slices.Delete(p.idle, 0, p.spare)
	p.spare = len(p.idle)
	if p.spare == 0 {
		p.trims = nil
		return
	}
	p.trims.Reset(keepIdle)
}

// Close ends the goroutines that wait for work, and returns once those that work have ended as
// well. Work that comes later runs all the same, and nobody waits for it.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	if p.trims != nil {
		p.trims.Stop()
	}
	for _, next := range p.idle {
		close(next)
	}
	p.idle = nil
	p.mu.Unlock()
	p.running.Wait()
}

// stackRoom is what nearly all work needs of the stack, in bytes: the log's lines alone take five
// thousand.
const stackRoom = 6 << 10

// grow has the stack of a new goroutine grow at once, while there is nothing on it: later each
// doubling copies all frames that are there by then, see BenchmarkRun.
//
//go:noinline
func grow(at int) byte {
	var room [stackRoom]byte
	return room[at]
}
