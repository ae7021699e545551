package engineio

import (
	"sync"

	"hipflask/server/internal/budget"
	"hipflask/server/internal/coding"
)

const (
	// joinSize is how many bytes of small frames are joined into one write, and largeFrame from
	// where on a frame is written by itself, uncopied. A packet of that size is also what polling
	// clients share a form of.
	joinSize   = 64 << 10
	largeFrame = 16 << 10
	// keepQueue is the longest queue whose memory an idle session keeps.
	keepQueue = 32
)

// outbox is what is still to be sent to one client, in order, whichever way it leaves. Its owner
// guards it.
//
// What waits for our own writer is the server's lag, which the flusher bounds. What waits for the
// client is parked: for its next poll, or for the kernel to take more. That is held against the
// client, and against what all may hold in memory.
type outbox struct {
	shared *outlet

	queue   []*Message
	head    int // queue[:head] was taken
	queued  int // bytes in queue[head:]
	lagging int // of them, those that the server's flusher counts as its lag
	parked  bool
	packs   bool // see Session.Pack

	unmade *packedForm // what has to be made before anything more can be taken; nil: nothing

	// What was taken while parked, and is being written: a message, or nil for a copy.
	inWrite      *Message
	inWriteBytes int
}

// outlet is what the outboxes of a server have in common.
type outlet struct {
	memory *budget.Budget
	lag    lag
	joined joinPool // buffers for joined frames

	pack func(dst, text []byte, attachments [][]byte) []byte // see Config

	compressor   coding.Compressor
	compressFrom int // bytes of an answer to a poll that are worth it; negative: none are
}

func (o *outlet) init(memory *budget.Budget) {
	o.memory = memory
	o.lag.init()
}

// compresses reports whether an answer of so many bytes is worth being compressed.
func (o *outlet) compresses(size int) bool { return o.compressFrom >= 0 && size >= o.compressFrom }

// batch is what goes out in one write. shared is the pooled buffer behind data, if the frames had
// to be joined.
type batch struct {
	data   []byte
	shared *[]byte
}

// portion is the first packets of a message, or what is left of it, that go into an answer to a
// poll.
type portion struct {
	*Message
	count int // of packets
}

// push queues m.
func (o *outbox) push(m *Message) {
	if len(o.queue) == cap(o.queue) {
		o.queue, o.head = compact(o.queue, o.head)
	}
	o.queue = append(o.queue, m)
	n := m.cost()
	o.queued += n
	if o.parked {
		m.hold(o.shared.memory)
		return
	}
	o.lagging += n
	o.shared.lag.bytes.Add(int64(n))
}

// take removes from the queue what goes into the next write over a WebSocket: one frame as it is,
// or as many small ones as fit together. It is empty when there is nothing, or the first has to be
// compressed before, see unmade. messages is how many of them are no heartbeats or the like. What
// was taken before is written by then. p compresses, if the client takes that.
func (o *outbox) take(w wire, p *packer) (b batch, messages uint64) {
	if o.inWriteBytes > 0 {
		o.endWrite()
	}
	var alone *Message // whose frame the batch is, while it is one
	cost := 0
	for o.head < len(o.queue) {
		m := o.first()
		f, unmade := m.packed(w, p)
		if o.unmade = unmade; unmade != nil {
			break
		}
		if len(b.data) > 0 && (len(f) >= largeFrame || len(b.data)+len(f) > joinSize) {
			break
		}
		o.queue[o.head] = nil
		o.head++
		cost += m.cost()
		if len(f) == 0 { // nothing that this kind of client could read
			o.letGo(m)
			continue
		}
		if m.isMessage() {
			messages++
		}
		if len(b.data) == 0 {
			alone, b.data = m, f
			if len(f) >= largeFrame {
				break
			}
			continue
		}
		if b.shared == nil {
			b.shared = o.shared.joined.get()
			b.data = append((*b.shared)[:0], b.data...)
			o.letGo(alone)
			alone = nil
		}
		b.data = append(b.data, f...)
		o.letGo(m)
	}
	if len(b.data) > 0 {
		o.unmade = nil // there is something to write first
	}
	if o.parked {
		o.beginWrite(alone, len(b.data))
	}
	o.taken(cost)
	return b, messages
}

// takeAnswer removes from the queue what the next answer to a poll holds: at most that many packets
// of Engine.IO, or all for 0. A message is split only if no answer could hold it. last goes by
// itself. What is returned stays held.
func (o *outbox) takeAnswer(most int, last *Message) []portion {
	room := len(o.queue) - o.head
	if most > 0 {
		room = min(room, most)
	}
	portions := make([]portion, 0, room)
	packets, cost := 0, 0
	for o.head < len(o.queue) {
		m := o.first()
		n := m.packets()
		if len(portions) > 0 && (m == last || most > 0 && packets+n > most) {
			break
		}
		o.queue[o.head] = nil
		o.head++
		cost += m.cost()
		if most > 0 && n > most {
			rest := m.after(most)
			rest.hold(o.shared.memory)
			o.head--
			o.queue[o.head] = rest
			cost -= rest.cost()
			n = most
		}
		portions = append(portions, portion{m, n})
		if packets += n; m == last || packets == most {
			break
		}
	}
	o.taken(cost)
	return portions
}

// taken counts messages off that were taken from the queue, and makes an empty one ready for reuse,
// letting go of a large one.
func (o *outbox) taken(cost int) {
	o.queued -= cost
	o.reduceLag(min(cost, o.lagging))
	if o.head < len(o.queue) {
		return
	}
	o.head = 0
	if cap(o.queue) > keepQueue {
		o.queue = nil
		return
	}
	o.queue = o.queue[:0]
}

// park makes what is queued wait for the client, and n bytes that are being written.
func (o *outbox) park(n int) {
	if o.parked {
		return
	}
	o.parked = true
	o.reduceLag(o.lagging)
	for _, m := range o.queue[o.head:] {
		m.hold(o.shared.memory)
	}
	o.beginWrite(nil, n)
}

// unpark makes what is queued wait for our own writer.
func (o *outbox) unpark() {
	if !o.parked {
		return
	}
	o.endWrite()
	for _, m := range o.queue[o.head:] {
		m.release(o.shared.memory)
	}
	o.parked = false
}

// drop throws away what is queued.
func (o *outbox) drop() {
	o.endWrite()
	for _, m := range o.queue[o.head:] {
		o.letGo(m)
	}
	o.queue, o.head, o.queued, o.unmade = nil, 0, 0, nil
	o.reduceLag(o.lagging)
}

// compact moves what is left of a list whose head was taken to its front, once that is the smaller
// part: a list that never empties would grow for ever.
func compact[T any](list []T, head int) ([]T, int) {
	if head <= len(list)/2 {
		return list, head
	}
	n := copy(list, list[head:])
	clear(list[n:])
	return list[:n], 0
}

// letGo releases a message that was taken or thrown away.
func (o *outbox) letGo(m *Message) {
	if o.parked {
		m.release(o.shared.memory)
	}
}

// beginWrite counts what was taken until it is written: a message, which stays held, or n bytes of
// the write's own.
func (o *outbox) beginWrite(m *Message, n int) {
	o.inWrite, o.inWriteBytes = m, n
	if m == nil {
		o.shared.memory.Add(n)
	}
}

// endWrite counts that off.
func (o *outbox) endWrite() {
	if o.inWrite != nil {
		o.inWrite.release(o.shared.memory)
	} else {
		o.shared.memory.Give(o.inWriteBytes)
	}
	o.inWrite, o.inWriteBytes = nil, 0
}

// waiting is how many bytes wait for the client, what is being written included.
func (o *outbox) waiting() int { return o.queued + o.inWriteBytes }

// reduceLag takes n bytes off the flusher's lag.
func (o *outbox) reduceLag(n int) {
	if n > 0 {
		o.lagging -= n
		o.shared.lag.reduce(int64(n))
	}
}

// joinPool hands out buffers of joinSize bytes.
type joinPool struct{ pool sync.Pool }

func (p *joinPool) get() *[]byte {
	if b, ok := p.pool.Get().(*[]byte); ok {
		return b
	}
	b := make([]byte, 0, joinSize)
	return &b
}

// free gives back what a written batch had borrowed.
func (p *joinPool) free(b batch) {
	if b.shared != nil {
		p.pool.Put(b.shared)
	}
}

// first is the first message of the queue, in the form that the client reads.
//
// What is packed replaces the message here and not when it was queued: that may be under a
// namespace's lock, for all its clients.
func (o *outbox) first() *Message {
	m := o.queue[o.head]
	if !o.packs {
		return m
	}
	p := m.single(o.shared.pack)
	if p == m {
		return m
	}
	if o.parked {
		p.hold(o.shared.memory)
		m.release(o.shared.memory)
	}
	o.queue[o.head] = p
	more := p.cost() - m.cost()
	o.queued += more
	switch {
	case o.lagging == 0:
	case more < 0:
		o.reduceLag(min(-more, o.lagging))
	default:
		o.lagging += more
		o.shared.lag.bytes.Add(int64(more))
	}
	return p
}
