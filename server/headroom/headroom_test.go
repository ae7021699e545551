package headroom

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"testing"

	"hipflask/testdata/testkit"
)

func TestPercent(t *testing.T) {
	for inUse, want := range map[uint64]int{0: 800, 1 << 20: 800, 4 << 20: 800, 16 << 20: 200, 32 << 20: 100, 1 << 30: 100} {
		if got := percent(inUse); got != want {
			t.Errorf("with %d bytes in use %d percent, want %d", inUse, got, want)
		}
	}
}

// gcPercent reads GOGC, which can only be set.
func gcPercent() int {
	now := debug.SetGCPercent(100)
	debug.SetGCPercent(now)
	return now
}

func TestKeep(t *testing.T) {
	before := gcPercent()
	stop := Keep()
	if got := gcPercent(); got != 800 {
		t.Errorf("at the start %d percent, want 800", got)
	}
	big := make([]byte, 48<<20)
	await(t, 100)
	runtime.KeepAlive(big)
	big = nil
	await(t, 800)
	stop()
	if got := gcPercent(); got != before {
		t.Errorf("at the end %d percent, want %d", got, before)
	}
	runtime.GC()
	if got := gcPercent(); got != before {
		t.Errorf("after the end %d percent, want %d", got, before)
	}
}

// await collects until the percentage is as wanted. The runtime tells of a collection some time
// after it, from a goroutine of its own.
func await(t *testing.T, want int) {
	t.Helper()
	testkit.Eventually(t, fmt.Sprint(want, " percent"), func() bool {
		runtime.GC()
		return gcPercent() == want
	})
}

func TestKeepLeavesGOGC(t *testing.T) {
	t.Setenv("GOGC", "100")
	before := gcPercent()
	defer Keep()()
	if got := gcPercent(); got != before {
		t.Errorf("%d percent, want %d", got, before)
	}
}

// Garbage as events make it, with and without the headroom.
func BenchmarkGarbage(b *testing.B) {
	garbage := func(b *testing.B) {
		var keep [64][]byte
		b.ReportAllocs()
		for i := range b.N {
			keep[i%len(keep)] = make([]byte, 512)
		}
		runtime.KeepAlive(keep)
	}
	b.Run("default", garbage)
	b.Run("headroom", func(b *testing.B) {
		defer Keep()()
		garbage(b)
	})
}
