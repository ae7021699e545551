package streams

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"hipflask/server/internal/cluster/nodewire"
	"hipflask/server/internal/cluster/redistest"
	"hipflask/server/internal/offset"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func connect(t *testing.T, args ...string) (*redistest.Server, *redis.Client, Log) {
	t.Helper()
	server := redistest.Start(t, args...)
	c := redis.NewClient(&redis.Options{Addr: server.Addr, MaxRetries: -1})
	t.Cleanup(func() { _ = c.Close() })
	return server, c, Log{Key: "s", Length: DefaultLength}
}

func batch(from, to int) (entries []nodewire.Entry) {
	for i := from; i < to; i++ {
		entries = append(entries, entry(fmt.Sprint(i)))
	}
	return entries
}

// TestAppendAndRead writes batches and reads them, whole and in order.
func TestAppendAndRead(t *testing.T) {
	_, c, log := connect(t)
	tail, err := log.Tail(t.Context(), c)
	must(t, err)
	if tail.Exists || tail.After(offset.ID{}) != NoHole {
		t.Errorf("no stream is %+v", tail)
	}
	ids, err := log.Append(t.Context(), c, batch(0, 1))
	must(t, err)
	more, err := log.Append(t.Context(), c, batch(1, 250))
	must(t, err)
	ids = append(ids, more...)
	part, err := log.Read(t.Context(), c, Mark{}, 1000, time.Second)
	must(t, err)
	if len(part.Entries) != 250 || part.First != ids[0] || part.Hole != NoHole {
		t.Fatalf("read %d entries, %q; the first is %v", len(part.Entries), part.Hole, part.First)
	}
	for i, e := range part.Entries {
		if e.ID != ids[i] || e.Entry != entry(fmt.Sprint(i)) {
			t.Fatalf("entry %d is %+v, want %v", i, e, ids[i])
		}
	}
	n := 0
	must(t, log.Range(t.Context(), c, ids[9], func(e Stored) bool { n++; return e.ID == ids[9+n] }))
	if n != 240 {
		t.Errorf("%d entries follow the tenth", n)
	}
	if part, err := log.Read(t.Context(), c, Mark{Read: ids[249]}, 10, 10*time.Millisecond); err != nil || part.Entries != nil {
		t.Errorf("behind the last: %v, %v", part.Entries, err)
	}
}

// TestFind tells whether a batch was written, wherever it may be, and from others that look like
// it.
func TestFind(t *testing.T) {
	_, c, log := connect(t)
	find := func(after offset.ID, entries []nodewire.Entry, want []offset.ID) {
		t.Helper()
		got, err := log.Find(t.Context(), c, after, entries)
		if must(t, err); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("found %v, want %v", got, want)
		}
	}
	find(offset.ID{}, batch(0, 3), nil)
	first, err := log.Append(t.Context(), c, batch(0, 3))
	must(t, err)
	find(offset.ID{}, batch(0, 3), first)
	find(first[2], batch(0, 3), nil) // the same once more
	find(first[2], batch(0, 1), nil)
	for range 250 { // what others have written meanwhile
		_, err := log.Append(t.Context(), c, []nodewire.Entry{{UID: "another", Data: "2"}})
		must(t, err)
	}
	find(first[2], batch(0, 3), nil)
	second, err := log.Append(t.Context(), c, batch(0, 3))
	must(t, err)
	find(first[2], batch(0, 3), second)
	find(first[2], batch(0, 4), nil)
	find(offset.ID{Ms: 1 << 62}, batch(0, 3), second) // of a stream that is no more
	must(t, c.XTrimMaxLen(t.Context(), "s", 1).Err())
	find(first[2], batch(0, 3), []offset.ID{second[2], second[2], second[2]})
}

// TestHoles: what was trimmed, and other streams.
func TestHoles(t *testing.T) {
	_, c, log := connect(t)
	ids, err := log.Append(t.Context(), c, batch(0, 10))
	must(t, err)
	after := func(id offset.ID, want Hole) {
		t.Helper()
		tail, err := log.Tail(t.Context(), c)
		if must(t, err); tail.After(id) != want {
			t.Errorf("behind %v: %q, want %q", id, tail.After(id), want)
		}
		if want != NoHole && want != Trimmed || id == ids[9] {
			return
		}
		if part, err := log.Read(t.Context(), c, Mark{tail.First, id}, 10, time.Second); err != nil || part.Hole != want {
			t.Errorf("reading behind %v: %q, %v, want %q", id, part.Hole, err, want)
		}
	}
	after(offset.ID{}, NoHole)
	after(ids[3], NoHole)
	after(ids[9].Next(), Back)
	must(t, c.XTrimMaxLen(t.Context(), "s", 5).Err())
	after(ids[3], Trimmed)
	after(ids[5], NoHole)
	after(ids[9], NoHole)
	must(t, c.XTrimMaxLen(t.Context(), "s", 0).Err())
	after(ids[9], NoHole)
	tail, err := log.Tail(t.Context(), c)
	if must(t, err); tail.After(offset.ID{}) != Trimmed || tail.After(ids[3]) != Trimmed {
		t.Error("what was there was not missed")
	}
	must(t, c.Del(t.Context(), "s").Err())
	after(ids[9], Gone)
	must(t, c.Set(t.Context(), "s", "x", 0).Err())
	if _, err := log.Tail(t.Context(), c); !errors.Is(err, ErrNoStream) {
		t.Errorf("a key that holds a text: %v", err)
	}
}

// TestReplacedWithinAMillisecond: a stream goes on, to judge by its ids, where another one ended.
func TestReplacedWithinAMillisecond(t *testing.T) {
	_, c, log := connect(t)
	e := entry("")
	add := func(ids ...string) {
		for _, id := range ids {
			must(t, c.XAdd(t.Context(), &redis.XAddArgs{Stream: "s", ID: id, Values: e.Fields()}).Err())
		}
	}
	holes := func(mark Mark, want Hole) {
		t.Helper()
		tail, err := log.Tail(t.Context(), c)
		must(t, err)
		part, err := log.Read(t.Context(), c, mark, 10, time.Second)
		must(t, err)
		if got := tail.Beyond(mark); got != want || part.Hole != want {
			t.Errorf("behind %v: %q, and %q when it is read; want %q", mark, got, part.Hole, want)
		}
	}
	add("7-1", "8-0", "9-0", "9-1")
	holes(Mark{First: offset.ID{Ms: 7, Seq: 1}, Read: offset.ID{Ms: 9}}, NoHole)
	must(t, c.Del(t.Context(), "s").Err())
	add("9-0", "9-1", "9-2")
	holes(Mark{First: offset.ID{Ms: 7, Seq: 1}, Read: offset.ID{Ms: 9, Seq: 1}}, Gone)
	holes(Mark{First: offset.ID{Ms: 9}, Read: offset.ID{Ms: 9, Seq: 1}}, NoHole) // it is the one that was read
}

// TestAppendIsWholeOrNothing where Redis has no memory: it says why.
func TestAppendIsWholeOrNothing(t *testing.T) {
	server, c, log := connect(t, "--maxmemory-policy", "noeviction")
	server.Do("CONFIG", "SET", "maxmemory", "1")
	for _, n := range []int{1, 3} {
		if ids, err := log.Append(t.Context(), c, batch(0, n)); err == nil || err.Error()[:3] != "OOM" {
			t.Errorf("%d entries: %v, %v", n, ids, err)
		}
	}
	server.Do("CONFIG", "SET", "maxmemory", "0")
	if tail, err := log.Tail(t.Context(), c); err != nil || tail.Exists {
		t.Errorf("the stream is %+v, %v", tail, err)
	}
}
