// Package budget owns what all clients together may hold in memory: outgoing queues, answers under
// way, attachments whose event is not whole yet, events that wait for handlers. What several
// clients share is counted once.
package budget

import "sync/atomic"

// Budget counts bytes against a limit. The methods may be called at the same time.
type Budget struct {
	limit int64
	used  atomic.Int64
}

// New makes a Budget of that many bytes; without a limit, for 0, it only counts.
func New(limit int64) *Budget { return &Budget{limit: limit} }

// Take counts n bytes more, or reports that they are too many and counts nothing. What was taken
// must be given back.
func (b *Budget) Take(n int) bool { return b.take(n, b.limit) }

func (b *Budget) take(n int, limit int64) bool {
	if now := b.used.Add(int64(n)); b.limit > 0 && now > limit {
		b.used.Add(int64(-n))
		return false
	}
	return true
}

// TakeHalf is Take for what may not fill more than half of the budget: what a client can make grow
// without anybody having a use for it yet. The other half is left for what is whole.
func (b *Budget) TakeHalf(n int) bool { return b.take(n, b.limit/2) }

// Add counts n bytes more, whatever the limit: for a caller that found the budget not full, and can
// only take the whole of what comes next.
func (b *Budget) Add(n int) { b.used.Add(int64(n)) }

// Full reports whether nothing more should be taken.
func (b *Budget) Full() bool { return b.limit > 0 && b.used.Load() >= b.limit }

// Give gives n bytes back.
func (b *Budget) Give(n int) { b.used.Add(int64(-n)) }

// Used is how many bytes are taken.
func (b *Budget) Used() int64 { return b.used.Load() }

// Limit is how many there are, 0 for no limit.
func (b *Budget) Limit() int64 { return b.limit }
