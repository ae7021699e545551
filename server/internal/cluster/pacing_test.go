package cluster

import (
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

// What was written before Redis went away may be read before the writer knows that it is back, and
// what other servers wrote once nothing of this one's waits any more.
func TestClientsAreWaitedForBehindAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHealth(slog.New(slog.DiscardHandler), "redis://", func() uint64 { return 0 })
		h.hears(nil)
		p := (&Cluster{health: h, stream: newStream("stream", 0)}).newPacer(nil)
		check := func(when string, want bool) {
			t.Helper()
			if got := p.isAfterOutage(); got != want {
				t.Errorf("%s: clients are waited for: %t", when, got)
			}
		}
		check("before any outage", false)
		h.writes(errors.New("i/o timeout"))
		check("while Redis is away", true)
		time.Sleep(2 * paceAfter)
		check("while Redis is away for long", true)
		p.left = 0
		check("when all the time is used up", false)
		h.writes(nil)
		check("once Redis is back", true)
		time.Sleep(paceAfter)
		check("long after", false)
	})
}
