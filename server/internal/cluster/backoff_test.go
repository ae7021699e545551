package cluster

import (
	"testing"
	"time"
)

// Pauses grow to a second, each a random part between a half and the whole, so that servers which
// lost Redis at one moment do not come back at one moment.
func TestBackoff(t *testing.T) {
	first := make(map[time.Duration]bool)
	for range 100 {
		var b backoff
		for most := firstPause; ; most = min(2*most, longestPause) {
			got := b.step()
			if got < most/2 || got > most {
				t.Fatalf("a pause of %v, want %v to %v", got, most/2, most)
			}
			if most == firstPause {
				first[got] = true
			}
			if most == longestPause {
				break
			}
		}
	}
	if len(first) < 10 {
		t.Errorf("100 servers begin with %d different pauses", len(first))
	}
}
