// Package streams owns the Redis stream through which servers hear each other as with Node's
// @socket.io/redis-streams-adapter: what is asked of Redis, and the order of what this server
// writes. When to connect, and what to do when Redis is away, is the caller's to decide. What
// entries mean is nodewire's.
package streams

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"hipflask/server/internal/cluster/nodewire"
	"hipflask/server/internal/offset"
)

// DefaultLength is how many entries a stream keeps, about, where nobody says otherwise; Node's
// maxLen.
const DefaultLength = 10_000

// Log is a stream: its key, and how many entries it keeps, about.
type Log struct {
	Key    string
	Length int64
}

// Stored is an entry of the stream.
type Stored struct {
	ID offset.ID
	nodewire.Entry
}

// Tail is what a stream holds.
type Tail struct {
	Exists      bool
	First       offset.ID // of those that are kept; zero where none is
	Last        offset.ID // that was ever given to an entry
	Kept, Added int64
}

// ErrTooOld is a Redis that knows no streams.
var ErrTooOld = errors.New("it knows no streams, which came with version 5.0")

// ErrNoStream is a key that holds something else.
var ErrNoStream = errors.New("the key of the stream holds something else")

// Tail looks at the stream's ends.
func (l Log) Tail(ctx context.Context, c redis.Cmdable) (Tail, error) {
	info, err := c.XInfoStream(ctx, l.Key).Result()
	var reply redis.Error
	switch {
	case err == nil:
		return Tail{Exists: true, First: idOf(info.FirstEntry.ID), Last: idOf(info.LastGeneratedID), Kept: info.Length, Added: info.EntriesAdded}, nil
	case !errors.As(err, &reply):
	case strings.HasPrefix(reply.Error(), "ERR unknown command"):
		err = ErrTooOld
	case strings.HasPrefix(reply.Error(), "WRONGTYPE"):
		err = ErrNoStream
	case strings.HasPrefix(reply.Error(), "ERR no such key"):
		return Tail{}, nil
	}
	return Tail{}, err
}

// Hole is why what followed an entry cannot be read any more.
type Hole string

// The holes.
const (
	NoHole  Hole = ""
	Trimmed Hole = "the stream no longer has what followed"
	Gone    Hole = "the stream is gone"
	Back    Hole = "the stream has lost its newest entries"
)

// After reports whether all that followed an entry can still be read.
func (t Tail) After(id offset.ID) Hole {
	switch order := t.Last.Compare(id); {
	case !t.Exists && id.IsZero():
		return NoHole
	case !t.Exists:
		return Gone
	case order < 0:
		return Back
	case order == 0:
		return NoHole
	case id.IsZero() && t.Added <= t.Kept: // Redis before 7.0 does not count Added
		return NoHole
	case t.First.IsZero() || t.First.Compare(id.Next()) > 0:
		return Trimmed
	}
	return NoHole
}

// Mark is how far somebody has read a stream.
type Mark struct {
	First offset.ID // of the entries that were kept then
	Read  offset.ID // the latest that was read
}

// replaced reports whether a stream that begins with the entry first is another than the marked
// one. Mostly it shows in ids that are higher than what follows the mark, or lower. But within one
// millisecond two streams have the same ids, and a new one begins with number 0.
func (m Mark) replaced(first offset.ID) bool {
	return first != m.First && first == offset.ID{Ms: m.Read.Ms}
}

// Beyond reports whether all that followed a mark can still be read.
func (t Tail) Beyond(m Mark) Hole {
	hole := t.After(m.Read)
	if hole == NoHole && m.replaced(t.First) {
		hole = Gone
	}
	return hole
}

// Part is what was read at once.
type Part struct {
	Entries []Stored
	First   offset.ID // that the stream kept then, if there are entries
	Hole    Hole      // before the entries: some may have gone before they could be read
}

// Read waits for entries behind a mark, for block, and returns those that there are, count at most.
func (l Log) Read(ctx context.Context, c redis.Cmdable, after Mark, count int64, block time.Duration) (Part, error) {
	pipe := c.Pipeline()
	read := pipe.XRead(ctx, &redis.XReadArgs{Streams: []string{l.Key, after.Read.String()}, Count: count, Block: block})
	// Redis answers it at the moment at which it has answered the first.
	oldest := pipe.XRangeN(ctx, l.Key, "-", "+", 1)
	_, _ = pipe.Exec(ctx) // each command has its error
	found, err := read.Result()
	switch {
	case errors.Is(err, redis.Nil):
		return Part{}, nil
	case err != nil:
		return Part{}, err
	}
	kept, err := oldest.Result()
	if err != nil {
		return Part{}, err
	}
	p := Part{Entries: stored(found[0].Messages)}
	if len(kept) > 0 {
		p.First = idOf(kept[0].ID)
	}
	switch {
	case !after.Read.IsZero() && (len(kept) == 0 || p.First.Compare(after.Read.Next()) > 0):
		p.Hole = Trimmed
	case after.replaced(p.First):
		p.Hole = Gone
	}
	return p, nil
}

func idOf(text string) offset.ID {
	id, _ := offset.Parse(text) // Redis wrote it; the zero one where there is none
	return id
}

func stored(messages []redis.XMessage) []Stored {
	entries := make([]Stored, len(messages))
	for i, m := range messages {
		entries[i] = Stored{ID: idOf(m.ID), Entry: nodewire.EntryOf(m.Values)}
	}
	return entries
}

// page is how many entries Range asks for at once.
const page = 100

// Range calls fn with the entries behind an id, the oldest first, until it returns false or there
// are no more.
func (l Log) Range(ctx context.Context, c redis.Cmdable, after offset.ID, fn func(Stored) bool) error {
	for {
		found, err := c.XRangeN(ctx, l.Key, after.Next().String(), "+", page).Result()
		if err != nil {
			return err
		}
		for _, e := range stored(found) {
			if !fn(e) {
				return nil
			}
			after = e.ID
		}
		if len(found) < page {
			return nil
		}
	}
}

// Append writes entries behind each other, with nothing in between, and all of them or none. It
// returns their ids.
func (l Log) Append(ctx context.Context, c redis.Cmdable, entries []nodewire.Entry) ([]offset.ID, error) {
	add := func(c redis.Cmdable, e *nodewire.Entry) *redis.StringCmd {
		return c.XAdd(ctx, &redis.XAddArgs{Stream: l.Key, MaxLen: l.Length, Approx: true, Values: e.Fields()})
	}
	if len(entries) == 1 {
		id, err := add(c, &entries[0]).Result()
		return []offset.ID{idOf(id)}, err
	}
	pipe := c.TxPipeline()
	added := make([]*redis.StringCmd, len(entries))
	for i := range entries {
		added[i] = add(pipe, &entries[i])
	}
	_, failed := pipe.Exec(ctx)
	ids := make([]offset.ID, len(entries))
	for i, cmd := range added {
		id, err := cmd.Result()
		if err != nil && !strings.HasPrefix(err.Error(), "EXECABORT") {
			return nil, err // what made Redis refuse them
		}
		ids[i] = idOf(id)
	}
	return ids, failed
}

// Find looks for entries that Append may have written, behind an id that the stream had before. It
// returns nil if they are not there. Whoever wrote them writes nothing else meanwhile.
func (l Log) Find(ctx context.Context, c redis.Cmdable, after offset.ID, entries []nodewire.Entry) ([]offset.ID, error) {
	tail, err := l.Tail(ctx, c)
	if err != nil || !tail.Exists {
		return nil, err
	}
	if tail.Last.Compare(after) < 0 { // another stream by now
		after = offset.ID{}
	}
	var own []Stored // the latest of them
	err = l.Range(ctx, c, after, func(e Stored) bool {
		if e.UID == entries[0].UID {
			own = append(own, e)
			own = own[max(0, len(own)-len(entries)):]
		}
		return true
	})
	last := len(entries) - 1
	if err != nil || len(own) == 0 || own[len(own)-1].Entry != entries[last] {
		return nil, err
	}
	ids := make([]offset.ID, len(entries))
	for i := range ids {
		ids[i] = own[max(0, len(own)-len(ids)+i)].ID // the first may have been trimmed
	}
	return ids, nil
}
