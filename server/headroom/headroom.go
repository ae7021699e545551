// Package headroom owns the pace of the garbage collector. Go collects when the heap has doubled,
// which for a server whose clients take a few megabytes is after every few thousand messages.
package headroom

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
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
	k := &keeper{
		before: debug.SetGCPercent(percent(0)),
		live:   []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}},
	}
	k.arm()
	return k.stop
}

// keeper sets the percentage anew after each collection.
type keeper struct {
	mu      sync.Mutex
	before  int
	stopped bool
	live    []metrics.Sample
}

// mark is an object that nobody holds: the next collection finds that out.
type mark struct{ _ *mark }

func (k *keeper) arm() { runtime.AddCleanup(new(mark), (*keeper).collected, k) }

func (k *keeper) collected() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stopped {
		return
	}
	metrics.Read(k.live)
	var inUse uint64
	for _, sample := range k.live {
		inUse += sample.Value.Uint64()
	}
	debug.SetGCPercent(percent(inUse))
	k.arm()
}

func (k *keeper) stop() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.stopped = true
	debug.SetGCPercent(k.before)
}

// percent is what GOGC has to be for the headroom with so many bytes in use.
func percent(inUse uint64) int {
	return max(leastPercent, Bytes*100/int(max(inUse, leastHeap)))
}
