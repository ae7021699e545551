package packet

import "unsafe"

const (
	frameSize = int(unsafe.Sizeof(frame{}))
	valueSize = int(unsafe.Sizeof(Value{}))
	sliceSize = int(unsafe.Sizeof([]byte{}))
	// allocations is about what the allocator adds to a packet's text and strings.
	allocations = 64
)

// frame is a packet with room for the arguments that most have, so that the two are one allocation.
type frame struct {
	Packet
	room [2]Value
}

// Cost is about what the packet takes in memory, in bytes, attachments included: of a small one
// that is ten times what it took on the wire. What several of its arguments share counts once.
func (p *Packet) Cost() int {
	n := frameSize + allocations + len(p.Namespace) + len(p.Query) + len(p.Event) + len(p.Data)
	if cap(p.Args) > len(frame{}.room) {
		n += cap(p.Args) * valueSize
	}
	var attachments [][]byte
	for i := range p.Args {
		n += len(p.Args[i].JSON)
		if attachments == nil {
			attachments = p.Args[i].Attachments
		}
	}
	for _, a := range attachments {
		n += sliceSize + cap(a)
	}
	return n
}
