package headroom

import (
	"runtime/metrics"
	"time"
)

// What a burst has left, such as many clients that connect at once, would stay with the process:
// the runtime keeps the memory of garbage that it has collected up to the next collection's goal,
// and garbage that is less than the headroom it does not collect. So once the process is idle, both
// are given back to the system, if they are much. The memory that comes next costs a page fault
// each 4 KiB.
const (
	lookEvery  = time.Second
	idleLooks  = 2       // in a row that have seen the process idle
	idleBytes  = 1 << 20 // at most allocated between two looks, when it is
	leastExtra = 16 << 20
)

// extra is what the pacer sees of memory that could be given back.
type extra struct {
	timer     *time.Timer
	samples   []metrics.Sample
	allocated uint64 // by the last look, since the process began
	idle      int    // looks in a row
}

func newExtra() extra {
	return extra{samples: []metrics.Sample{
		{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/free:bytes"},
	}}
}

// isMuch reports whether the process has become idle with much memory that it does not use, at
// least half of what it does: to collect takes time by that.
func (e *extra) isMuch() bool {
	metrics.Read(e.samples)
	value := func(i int) uint64 { return e.samples[i].Value.Uint64() }
	allocated, live, objects, free := value(0), value(1), value(2), value(3)
	since := allocated - e.allocated
	e.allocated = allocated
	if e.idle++; since > idleBytes {
		e.idle = 0
	}
	if e.idle < idleLooks || objects < live {
		return false
	}
	e.idle = 0
	return objects-live+free >= max(leastExtra, live/2)
}
