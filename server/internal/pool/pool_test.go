package pool

import (
	"runtime"
	"sync"
	"testing"
	"time"
)

type runner func()

func (r runner) Run() { r() }

// Everything runs, also what comes from within, and waiting work holds up no other.
func TestRun(t *testing.T) {
	var p Pool
	before := runtime.NumGoroutine()
	var wg sync.WaitGroup
	hold := make(chan struct{})
	for range 3 * maxIdle {
		wg.Add(2)
		p.Run(runner(func() {
			p.Run(runner(func() { wg.Done(); <-hold }))
			wg.Done()
		}))
	}
	wg.Wait()
	close(hold)
	p.Close()
	for end := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("%d goroutines are left", runtime.NumGoroutine()-before)
		}
	}
}

// One piece of work after another needs one goroutine.
func TestReuse(t *testing.T) {
	var p Pool
	defer p.Close()
	done := make(chan struct{})
	idle := func() int {
		p.mu.Lock()
		defer p.mu.Unlock()
		return len(p.idle)
	}
	for range 100 {
		p.Run(runner(func() { done <- struct{}{} }))
		<-done
		for idle() == 0 {
			runtime.Gosched()
		}
		if n := idle(); n != 1 {
			t.Fatalf("%d goroutines", n)
		}
	}
}

// What is not needed does not stay.
func TestTrim(t *testing.T) {
	var p Pool
	defer p.Close()
	before := runtime.NumGoroutine()
	var wg sync.WaitGroup
	hold := make(chan struct{})
	for range 10 {
		wg.Add(1)
		p.Run(runner(func() { wg.Done(); <-hold }))
	}
	wg.Wait()
	close(hold)
	// A goroutine that ends tells nobody.
	for end := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d goroutines are left", runtime.NumGoroutine()-before)
		}
	}
}

func TestRunAfterClose(t *testing.T) {
	var p Pool
	p.Close()
	done := make(chan struct{})
	p.Run(runner(func() { close(done) }))
	<-done
	p.Close()
}

// deep uses about as much stack as an event does.
//
//go:noinline
func deep(n int) byte {
	var a [256]byte
	if n > 0 {
		a[n] = deep(n - 1)
	}
	return a[n/2]
}

// BenchmarkRun is what the pool is for.
func BenchmarkRun(b *testing.B) {
	done := make(chan struct{})
	work := runner(func() { deep(20); done <- struct{}{} })
	b.Run("pool", func(b *testing.B) {
		var p Pool
		defer p.Close()
		for b.Loop() {
			p.Run(work)
			<-done
		}
	})
	b.Run("goroutine", func(b *testing.B) {
		for b.Loop() {
			go work()
			<-done
		}
	})
	b.Run("many", func(b *testing.B) { // at once, so that most are new
		const many = 256
		var p Pool
		defer p.Close()
		for b.Loop() {
			var left sync.WaitGroup
			left.Add(many)
			hold := make(chan struct{})
			for range many {
				p.Run(runner(func() { <-hold; deep(20); left.Done() }))
			}
			close(hold)
			left.Wait()
		}
	})
}
