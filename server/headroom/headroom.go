// Package headroom owns the pace of the garbage collector. Go collects when the heap has doubled,
// which for a server whose clients take a few megabytes is after every few thousand messages.
package headroom

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

const (
	// Bytes is what may be allocated between two collections, unless the heap has more in use: then
	// Go's own rule, that it doubles, gives more room already.
	Bytes = 32 << 20

	leastPercent = 100     // Go's default
	leastHeap    = 4 << 20 // the runtime's least heap at 100 percent, which grows with them
)

// Keep has the collector leave the headroom until stop is called. It is for the process as a whole.
// With GOGC set it does nothing: somebody has decided already. A memory limit (GOMEMLIMIT) holds
// all the same.
func Keep() (stop func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	p := &pacer{
		before: debug.SetGCPercent(percent(0)),
		live:   []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}},
		extra:  newExtra(),
	}
	p.mu.Lock()
	p.extra.timer = time.AfterFunc(lookEvery, p.look)
	p.mu.Unlock()
	p.arm()
	return p.stop
}

// pacer sets the percentage of the collector anew after each collection.
type pacer struct {
	mu      sync.Mutex
	before  int
	stopped bool
	live    []metrics.Sample
	extra   extra
}

// mark is an object that nobody holds: the next collection finds that out.
type mark struct{ _ *mark }

func (p *pacer) arm() { runtime.AddCleanup(new(mark), (*pacer).collected, p) }

func (p *pacer) collected() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return
	}
	metrics.Read(p.live)
	var inUse uint64
	for _, sample := range p.live {
		inUse += sample.Value.Uint64()
	}
	debug.SetGCPercent(percent(inUse))
	p.arm()
}

// look gives back what is too much.
func (p *pacer) look() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return
	}
	if p.extra.isMuch() {
		p.mu.Unlock()
		debug.FreeOSMemory() // collects, and collected wants the mutex
		p.mu.Lock()
	}
	if !p.stopped {
		p.extra.timer.Reset(lookEvery)
	}
}

func (p *pacer) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	p.extra.timer.Stop()
	debug.SetGCPercent(p.before)
}

// percent is what GOGC has to be for the headroom with so many bytes in use.
func percent(inUse uint64) int {
	return max(leastPercent, Bytes*100/int(max(inUse, leastHeap)))
}
