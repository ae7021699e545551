package cluster

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
)

func payloads(batch []entry) []string {
	var all []string
	for _, e := range batch {
		all = append(all, string(e.payload))
	}
	return all
}

func TestOutboxKeepsOrder(t *testing.T) {
	o := newOutbox(1 << 20)
	for i := range 5 {
		o.put(entry{channel: "c", payload: []byte(fmt.Sprint(i))}, false)
	}
	if got := payloads(o.take()); !slices.Equal(got, []string{"0", "1", "2", "3", "4"}) {
		t.Errorf("took %q", got)
	}
	if n, bytes, dropped := o.state(); n != 0 || bytes != 0 || dropped != 0 {
		t.Errorf("%d entries of %d bytes are left, %d dropped", n, bytes, dropped)
	}
}

func TestOutboxTakesBatches(t *testing.T) {
	o := newOutbox(64 << 20)
	for range maxBatch + 1 {
		o.put(entry{payload: []byte("x")}, false)
	}
	if n := len(o.take()); n != maxBatch {
		t.Errorf("took %d", n)
	}
	if n := len(o.take()); n != 1 {
		t.Errorf("took %d", n)
	}
	for _, size := range []int{1, loneBytes, loneBytes, 1, 1, maxBatchBytes, 1} {
		o.put(entry{payload: make([]byte, size)}, false)
	}
	for _, want := range []int{1, 1, 1, 2, 1, 1} { // a large one goes alone
		if n := len(o.take()); n != want {
			t.Errorf("took %d, want %d", n, want)
		}
	}
}

func TestOutboxDropsTheOldest(t *testing.T) {
	size := (&entry{payload: fmt.Appendf(nil, "x%d", 0)}).size()
	o := newOutbox(3 * size)
	for i := range 5 {
		o.put(entry{payload: fmt.Appendf(nil, "x%d", i)}, false)
	}
	o.put(entry{payload: []byte(strings.Repeat("too large", size))}, false)
	if n, bytes, dropped := o.state(); n != 3 || bytes != 3*size || dropped != 3 {
		t.Errorf("%d entries of %d bytes, %d dropped", n, bytes, dropped)
	}
	if got := payloads(o.take()); !slices.Equal(got, []string{"x2", "x3", "x4"}) {
		t.Errorf("took %q", got)
	}
}

func TestOutboxEnds(t *testing.T) {
	o := newOutbox(1 << 20)
	o.put(entry{payload: []byte("x")}, false)
	o.close()
	o.put(entry{payload: []byte("late")}, false)
	if got := payloads(o.take()); !slices.Equal(got, []string{"x"}) {
		t.Errorf("took %q", got)
	}
	if got := o.take(); got != nil {
		t.Errorf("took %q after the end", payloads(got))
	}
	if _, _, dropped := o.state(); dropped != 1 {
		t.Errorf("%d dropped", dropped)
	}
}

// Numbers are in the order of the queue, whoever puts first.
func TestOutboxNumbers(t *testing.T) {
	o := newOutbox(1 << 20)
	var work sync.WaitGroup
	for range 8 {
		work.Go(func() {
			for range 100 {
				o.put(entry{payload: []byte("\x93\xaahipflask-A\xc0\xc0")}, true)
			}
		})
	}
	work.Wait()
	var heard senders
	for i, e := range o.take() {
		uid, n, ok := readSerial(string(e.payload))
		if !ok || uid != "hipflask-A" || n != uint64(i+1) || !heard.fresh(uid, n, string(e.payload)) {
			t.Fatalf("entry %d has %q, %d, %v", i, uid, n, ok)
		}
	}
}

func TestSerial(t *testing.T) {
	with := string(appendSerial([]byte("\x93\xaahipflask-A\xc0\xc0"), 7))
	if uid, n, ok := readSerial(with); !ok || uid != "hipflask-A" || n != 7 {
		t.Errorf("read %q, %d, %v", uid, n, ok)
	}
	if got := withoutSerial([]byte(with)); string(got) != "\x93\xaahipflask-A\xc0\xc0" {
		t.Errorf("%q is left without the number", got)
	}
	for _, without := range []string{"", "\x94", "\x93\xaahipflask-A\xc0\xc0", with[:len(with)-1], "\x94\xa6somebody\xc0\xc0\xcf12345678",
		"\x94\xbfhipflask-", "\x94\xc0hipflask-\xcf12345678"} {
		if uid, n, ok := readSerial(without); ok {
			t.Errorf("%q: read %q, %d", without, uid, n)
		}
	}
	if got := appendSerial([]byte("{}"), 1); string(got) != "{}" {
		t.Errorf("%q was numbered", got)
	}
}

func TestSendersKnowRepetitionsAndGaps(t *testing.T) {
	var s senders
	for _, step := range []struct {
		uid    string
		n      uint64
		fresh  bool
		missed uint64
	}{{"a", 5, true, 0}, {"a", 5, false, 0}, {"a", 6, true, 0}, {"b", 1, true, 0}, {"a", 5, false, 0}, {"a", 9, true, 2}, {"a", 7, true, 2}, {"a", 7, false, 2},
		{"a", 10, true, 2}} {
		if got := s.fresh(step.uid, step.n, fmt.Sprint(step.uid, step.n)); got != step.fresh || s.count() != step.missed {
			t.Errorf("%s %d: fresh %v, missed %d", step.uid, step.n, got, s.count())
		}
	}
	if n := s.untold(); n != 2 || s.untold() != 0 {
		t.Errorf("%d are to be told", n)
	}
	for i := range 2 * maxSenders {
		s.fresh("a", 11, fmt.Sprint(i))
		s.fresh(fmt.Sprint(i), 1, "x")
	}
	if len(s.known) > maxSenders || s.known["a"] == nil {
		t.Errorf("%d senders are remembered, the lively one among them: %v", len(s.known), s.known["a"] != nil)
	}
}

// Whoever reaches Redis can forge any number of any server. It silences nobody.
func TestForgedNumbersSilenceNobody(t *testing.T) {
	forged := []uint64{0, 1, 5, 101, 102, 103, 100 + window, 1 << 32, 1 << 63, math.MaxUint64 - 1, math.MaxUint64}
	var s senders
	s.fresh("a", 100, "a100")
	for i, number := range forged {
		s.fresh("a", number, "forged")
		n := uint64(101 + i)
		s.fresh("a", n, "forged too")
		if !s.fresh("a", n, fmt.Sprint("a", n)) {
			t.Errorf("after a forged %d, number %d was taken for a repetition", number, n)
		}
		if s.fresh("a", n, fmt.Sprint("a", n)) {
			t.Errorf("after a forged %d, number %d was taken twice", number, n)
		}
	}
	if n := s.count(); n > uint64(len(forged))*maxGap {
		t.Errorf("%d messages count as missed", n)
	}
}

func FuzzReadSerial(f *testing.F) {
	f.Add("\x94\xaahipflask-A\xc0\xc0\xcf12345678")
	f.Fuzz(func(t *testing.T, payload string) {
		if uid, n, ok := readSerial(payload); ok && !strings.HasPrefix(uid, uidPrefix) {
			t.Errorf("%q, %d", uid, n)
		}
	})
}
