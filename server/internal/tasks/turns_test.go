package tasks

import (
	"testing"
	"time"
)

// flooder drives the looks of one connection, on a clock of its own.
type flooder struct {
	turn
	now  time.Time
	seen seen
}

// step handles a slice of events, each of which goes to so many clients, in no time, and then waits
// as long as it is told to.
func (f *flooder) step(clients int, others uint64, share int32) (waits time.Duration) {
	f.seen.tasks += turnTasks
	f.seen.runs += others
	f.seen.copies += uint64(clients) * (turnTasks + others)
	waits = f.look(f.now, f.seen, share)
	f.now = f.now.Add(waits)
	return waits
}

// rate is how many events of the flooder are handled in a second once its burst is over.
func (f *flooder) rate(clients int, others uint64, share int32) float64 {
	for range 2 * turnBurst / turnTasks {
		if f.step(clients, others, share) > 0 {
			break
		}
	}
	const slices = 1000
	begun := f.now
	for range slices {
		f.step(clients, others, share)
	}
	return slices * turnTasks / f.now.Sub(begun).Seconds()
}

func TestFlooderHasItsTurn(t *testing.T) {
	for name, c := range map[string]struct {
		clients int
		share   int32
		want    float64 // events a second
	}{
		"to 200 clients":              {200, 1, turnRate / (200 + eventCost)},
		"to 200 clients, two of them": {200, 2, turnRate / (200 + eventCost) / 2},
		"to nobody":                   {0, 1, turnRate / eventCost},
	} {
		f := &flooder{now: time.Now()}
		if got := f.rate(c.clients, 1, c.share); got < 0.9*c.want || got > 1.1*c.want {
			t.Errorf("%s: %.0f events a second are handled, want about %.0f", name, got, c.want)
		}
	}
}

// What is sent at once, within the bound, is not held back, and nobody is while no other client has
// events.
func TestBurstsAreNotHeldBack(t *testing.T) {
	f := &flooder{now: time.Now()}
	for range turnBurst / (200 + eventCost) / turnTasks {
		if waits := f.step(200, 1, 1); waits > 0 {
			t.Fatalf("a burst is held back for %v", waits)
		}
	}
	f = &flooder{now: time.Now()}
	for range 10_000 {
		if waits := f.step(200, 0, 1); waits > 0 {
			t.Fatalf("the only client is held back for %v", waits)
		}
	}
	// When others come, it does not pay for all it has done before.
	if waits := f.step(200, 1, 1); waits <= 0 || waits > turnDebt*time.Second {
		t.Errorf("it is held back for %v, want at most %d s", waits, turnDebt)
	}
}
