package fanout

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"hipflask/server/internal/offset"
	"hipflask/server/internal/packet"
)

// What is sent to one client alone is charged to it with all the memory that it takes.
func TestDirectIsNotSharedWithRecovery(t *testing.T) {
	const backlog, events = 8000, 100
	for _, recovery := range []time.Duration{0, time.Minute} {
		w := newWorldWith(t, Config{Recovery: recovery}, backlog)
		direct, all := w.join(), w.join()
		for range events {
			direct.Send(message("x"))
		}
		if direct.session.IsOpen() {
			t.Errorf("recovery %v: the client is still there that reads none of %d events", recovery, events)
		}
		for range events { // most of what they take in memory is not its own
			w.adapter.Broadcast(message("x"), to(all.id))
		}
		if !all.session.IsOpen() {
			t.Errorf("recovery %v: the client of a broadcast was charged as much", recovery)
		}
	}
}

func TestWhatIsKeptIsBounded(t *testing.T) {
	r := newRecovery(time.Minute)
	for i := range maxKept + 10 {
		pid := fmt.Sprint(i)
		now := time.Now()
		r.remember(pid, kept{at: now})
		r.prune(now)
	}
	if len(r.sessions) != maxKept || len(r.order) != maxKept {
		t.Errorf("%d clients in %d places, want %d", len(r.sessions), len(r.order), maxKept)
	}
	if _, ok := r.sessions["9"]; ok {
		t.Error("the oldest client is kept")
	}
	r.prune(time.Now().Add(time.Hour))
	if len(r.sessions) != 0 || r.sessionsBytes != 0 {
		t.Errorf("%d clients, %d bytes are kept for ever", len(r.sessions), r.sessionsBytes)
	}
}

// number is the place of the nth event without a sequence.
func number(n uint64) offset.ID { return offset.ID{Seq: n} }

// heap is what is in use once all garbage is gone.
func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// The bound on the log of events holds for the memory that they take, however small
// they are.
func TestHardeningRecoveryOfTinyEvents(t *testing.T) {
	before := heap()
	r := newRecovery(time.Hour)
	for n := 0; n < maxLogged/200; n++ { // with the frame's length alone, none would be forgotten
		if _, err := r.stamp("/", message(packet.TextValue(strconv.Itoa(n%10))), logged{among: newChoice(to("room"))}); err != nil {
			t.Fatal(err)
		}
	}
	if took := heap() - before; took > 2*maxLogged || took < maxLogged/4 {
		t.Errorf("%d events take %d MiB, with a bound of %d", len(r.events), took>>20, maxLogged>>20)
	}
	runtime.KeepAlive(r)
}

// And that on clients, however many rooms they have been in.
func TestHardeningRecoveryOfManyRooms(t *testing.T) {
	before := heap()
	r := newRecovery(time.Hour)
	for i := range 3_000 {
		p := r.begin(r.now())
		for n := range uint64(300) {
			p.enter(strconv.Itoa(i)+"."+strconv.FormatUint(n, 10), number(n))
		}
		now := time.Now()
		r.remember(strconv.Itoa(i), kept{past: p, at: now})
		r.prune(now)
	}
	if took := heap() - before; took > 2*maxKeptBytes || took < maxKeptBytes/4 {
		t.Errorf("%d clients take %d MiB, with a bound of %d", len(r.sessions), took>>20, maxKeptBytes>>20)
	}
	runtime.KeepAlive(r)
}

// A client that goes in and out of rooms all the time costs a bounded amount of memory,
// and is not sent what it should not have: when that is no longer known, nothing.
func TestStaysAreBounded(t *testing.T) {
	r := newRecovery(time.Minute)
	p := r.begin(r.now())
	p.enter("own", number(0))
	for n := range uint64(3 * maxStays) {
		p.enter("in and out", number(n))
		p.enter("in and out", number(n)) // again is nothing
		p.exit("in and out", number(n), number(0))
		p.enter("room", number(n))
		p.exit("room", number(n+1), number(0))
	}
	if len(p.stays) != maxStays+1 {
		t.Errorf("%d stays, want %d", len(p.stays), maxStays+1)
	}
	if p.known != number(2*maxStays) {
		t.Errorf("known from %v on, want %d", p.known, 2*maxStays)
	}
	if !slices.Equal(p.rooms(), []string{"own"}) {
		t.Errorf("in %v", p.rooms())
	}
	r.latest = number(3*maxStays - 1)
	if _, known := r.missed("id", p, p.known.Before()); known {
		t.Error("what the client missed is said to be known from before its stays are")
	}
	p.exit("own", number(3*maxStays), number(3*maxStays))
	if len(p.stays) > 1 {
		t.Errorf("%d stays that ended before all events that are kept", len(p.stays))
	}
}
