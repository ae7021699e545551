package http1

import "sync"

// outSize is how much of an answer is gathered before it is written, in bytes.
const outSize = 64 << 10

// buffer is what an answer is gathered in.
type buffer []byte

// outPool has the buffers that no answer is gathered in.
type outPool struct{ pool sync.Pool }

func (p *outPool) get() *buffer {
	if b, ok := p.pool.Get().(*buffer); ok {
		return b
	}
	b := make(buffer, 0, 512)
	return &b
}

func (p *outPool) put(b *buffer) {
	if cap(*b) <= 2*outSize {
		*b = (*b)[:0]
		p.pool.Put(b)
	}
}
