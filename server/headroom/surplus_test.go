package headroom

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"

	"hipflask/testdata/testkit"
)

// burst makes garbage of that many bytes.
func burst(bytes int) { runtime.KeepAlive(make([]byte, bytes)) }

// unused is what of the heap is in memory and holds nothing, and what may be garbage.
func unused() int {
	s := []metrics.Sample{
		{Name: "/memory/classes/heap/free:bytes"}, {Name: "/memory/classes/heap/objects:bytes"}, {Name: "/gc/heap/live:bytes"},
	}
	metrics.Read(s)
	return int(s[0].Value.Uint64()) + max(int(s[1].Value.Uint64())-int(s[2].Value.Uint64()), 0)
}

// Once the process is idle, what a burst has left goes back to the system.
func TestKeepGivesBackWhatABurstHasLeft(t *testing.T) {
	defer Keep()()
	burst(2 * Bytes)
	testkit.Eventually(t, "memory given back", func() bool { return unused() < leastExtra })
}

// Nothing is given back while the process works, nor little.
func TestExtra(t *testing.T) {
	for _, c := range []struct {
		what         string
		left, during int // bytes
		want         bool
	}{
		{"idle with much", 2 * Bytes, 0, true},
		{"at work with much", 2 * Bytes, 2 * idleBytes, false},
		{"idle with little", 0, 0, false},
	} {
		debug.FreeOSMemory()
		e := newExtra()
		burst(c.left)
		got := false
		for range 2 * idleLooks {
			burst(c.during)
			got = e.isMuch() || got
		}
		if got != c.want {
			t.Errorf("%s: %v, want %v", c.what, got, c.want)
		}
	}
}
