package streams

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"hipflask/server/internal/cluster/nodewire"
	"hipflask/server/internal/offset"
	"hipflask/testdata/testkit"
)

func entry(data string) nodewire.Entry {
	return nodewire.Entry{UID: "u", Namespace: "/", Type: "3", Data: data}
}

func at(n int) offset.ID { return offset.ID{Ms: uint64(n)} }

func read(n int, data string) Stored { return Stored{ID: at(n), Entry: entry(data)} }

// data lists what a batch holds.
func data(batch []*Item) string {
	var all []string
	for _, i := range batch {
		all = append(all, i.Entry.Data)
	}
	return strings.Join(all, " ")
}

// notes are what has happened, in order.
type notes []string

func (n *notes) add(text string) func() { return func() { *n = append(*n, text) } }

func (n *notes) are(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(*n, want) {
		t.Errorf("happened %q, want %q", *n, want)
	}
}

// TestAfterWaitsForWhatWasPut: what is to happen behind an entry happens when that was read, and
// neither sooner nor later.
func TestAfterWaitsForWhatWasPut(t *testing.T) {
	q := NewQueue(1<<20, 1000)
	var n notes
	q.After(10, n.add("nothing waits"))
	n.are(t, "nothing waits")
	q.Put(entry("a"), false)
	q.After(10, n.add("behind a"))
	q.Put(entry("b"), false)
	q.After(0, n.add("behind b"))
	q.Put(entry("c"), false)
	batch := q.Take(t.Context())
	if got := data(batch); got != "a b c" {
		t.Fatalf("took %q", got)
	}
	q.Read(Stored{ID: at(1), Entry: nodewire.Entry{UID: "another", Data: "a"}})
	n.are(t, "nothing waits")
	q.Read(read(2, "a")) // before its writing was answered
	n.are(t, "nothing waits", "behind a")
	q.Written(batch, []offset.ID{at(2), at(3), at(4)})
	n.are(t, "nothing waits", "behind a")
	q.Read(read(3, "b"))
	n.are(t, "nothing waits", "behind a", "behind b")
	q.After(10, n.add("behind c"))
	q.Read(read(4, "c"))
	n.are(t, "nothing waits", "behind a", "behind b", "behind c")
	q.After(10, n.add("again"))
	n.are(t, "nothing waits", "behind a", "behind b", "behind c", "again")
}

// TestWhatIsBehindWhatIsLost happens all the same.
func TestWhatIsBehindWhatIsLost(t *testing.T) {
	q := NewQueue(1<<20, 1000)
	var n notes
	for i := range 4 {
		q.Put(entry(fmt.Sprint(i)), i == 1 || i == 3)
		q.After(10, n.add(fmt.Sprint("behind ", i)))
	}
	batch := q.Take(t.Context())
	batch = q.DropVolatile(batch)
	if got := data(batch); got != "0 2" {
		t.Fatalf("kept %q", got)
	}
	q.Lost(batch[0])
	n.are(t, "behind 0", "behind 1")
	q.Written(batch[1:], []offset.ID{at(9)})
	n.are(t, "behind 0", "behind 1")
	q.Forget(at(3))
	n.are(t, "behind 0", "behind 1", "behind 2", "behind 3")
	if waiting, bytes, dropped := q.State(); waiting != 0 || bytes != 0 || dropped != 1 {
		t.Errorf("%d wait with %d bytes, %d dropped", waiting, bytes, dropped)
	}
}

// TestQueueIsBounded: the oldest go, but not what ends clients.
func TestQueueIsBounded(t *testing.T) {
	q := NewQueue(10*(overhead+11), 1000)
	var n notes
	q.Put(entry(strings.Repeat("x", 10)), false)
	q.Take(t.Context()) // and Redis is away
	q.After(11, n.add("forgotten"))
	q.After(0, n.add("kept"))
	for range 50_000 {
		q.Put(entry(strings.Repeat("x", 10)), false)
	}
	q.Put(entry(strings.Repeat("x", 10*overhead+110)), false)
	if waiting, bytes, dropped := q.State(); waiting != 11 || bytes > q.limit+overhead+20 || dropped != 50_000-10+2 || len(q.taken) != 2 {
		t.Errorf("%d wait with %d bytes, %d dropped, %d taken", waiting, bytes, dropped, len(q.taken))
	}
	q.Close()
	q.Put(entry("late"), false)
	if got := len(q.Take(t.Context())); got != 10 {
		t.Errorf("took %d", got)
	}
	if q.Take(t.Context()) != nil {
		t.Error("took something of an empty queue")
	}
}

// TestLargeEntriesGoAlone, so that nothing else is in doubt when Redis refuses them.
func TestLargeEntriesGoAlone(t *testing.T) {
	q := NewQueue(32<<20, 1000)
	for _, size := range []int{1, loneBytes, 1, 1} {
		q.Put(entry(strings.Repeat("x", size)), false)
	}
	for _, want := range []int{1, 1, 2} {
		if got := len(q.Take(t.Context())); got != want {
			t.Errorf("took %d, want %d", got, want)
		}
	}
}

// TestQueueDoesNotRunAway from who reads, who would not find what was trimmed.
func TestQueueDoesNotRunAway(t *testing.T) {
	q := NewQueue(1<<20, 3)
	for n := range 5 {
		q.Put(entry(fmt.Sprint(n)), false)
	}
	batch := q.Take(t.Context())
	if got := data(batch); got != "0 1 2" {
		t.Fatalf("took %q", got)
	}
	q.Written(batch, []offset.ID{at(1), at(2), at(3)})
	taken := make(chan string)
	go func() { taken <- data(q.Take(t.Context())) }()
	select {
	case got := <-taken:
		t.Fatalf("took %q", got)
	default:
	}
	q.Read(read(1, "0"))
	if got := testkit.Await(t, taken, "batch"); got != "3" {
		t.Errorf("took %q", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { taken <- data(q.Take(ctx)) }()
	cancel()
	if got := testkit.Await(t, taken, "batch"); got != "" {
		t.Errorf("took %q", got)
	}
}
