package engineio

import (
	"sync"

	"hipflask/server/internal/budget"
	"hipflask/server/internal/coding"
	"hipflask/server/internal/engineio/payload"
	"hipflask/server/internal/locks"
)

const (
	// retentionOverhead is about what a retention, and the message beside its frame, take.
	retentionOverhead = 256
	sharedOverhead    = 8 // a message's entry in one queue
)

// retention counts where a message waits for clients: in the queues of those that do not take it at
// once, and in answers to polls. While it waits anywhere, its bytes count in what all clients
// together may hold, once, with the forms that were made of it; with the last one those for polls
// go too, whoever else keeps the message.
//
// A message that leaves for a WebSocket at once has none: see lag for those.
type retention struct {
	mu      locks.Retention
	holders int
	bytes   int // that count
	forms   map[formKey]*form

	// packedBytes are those of compressed forms, see packer. They count as long as the message is
	// there, also where one can go before, see Message.Kept.
	packedBytes [wires]int32
}

// formKey names a form of one of the message's packets in polling payloads.
type formKey struct {
	packet   int
	format   payload.Format
	deflated bool
}

// form is made once, by the first who asks. What is deflated is in segment, else in part.
type form struct {
	once    sync.Once
	part    payload.Part
	segment coding.Segment
}

// hold counts one queue or answer more in which a message of that many bytes waits.
func (r *retention) hold(size int, b *budget.Budget) {
	n := sharedOverhead
	r.mu.Lock()
	if r.holders++; r.holders == 1 {
		r.bytes = size + retentionOverhead
		for _, more := range r.packedBytes {
			r.bytes += int(more)
		}
		n += r.bytes
	}
	r.mu.Unlock()
	b.Add(n)
}

// release counts one less.
func (r *retention) release(b *budget.Budget) {
	n := sharedOverhead
	r.mu.Lock()
	if r.holders--; r.holders == 0 {
		n += r.bytes
		r.bytes, r.forms = 0, nil
	}
	r.mu.Unlock()
	b.Give(n)
}

// packed counts a compressed form of so many bytes, instead of one that was there before.
func (r *retention) packed(w wire, size int, b *budget.Budget) {
	r.mu.Lock()
	defer r.mu.Unlock()
	more := size - int(r.packedBytes[w])
	r.packedBytes[w] = int32(size)
	if r.holders > 0 {
		r.bytes += more
		b.Add(more)
	}
}

// form finds a form, or makes room for one that is not made yet.
func (r *retention) form(key formKey) *form {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f := r.forms[key]; f != nil {
		return f
	}
	f := new(form)
	if r.holders > 0 {
		if r.forms == nil {
			r.forms = make(map[formKey]*form)
		}
		r.forms[key] = f
	}
	return f
}

// made counts a form that has been made.
func (r *retention) made(key formKey, f *form, b *budget.Budget) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.forms[key] == f { // else the last holder has gone meanwhile
		size := len(f.part.Made) + f.segment.Len()
		r.bytes += size
		b.Add(size)
	}
}
