package engineio

import "unsafe"

// Bare returns the message for a caller that keeps it for long, to send it to clients of Engine.IO
// 4: the same bytes, without the forms that were or will be made for other clients, and without
// room to spare.
func (m *Message) Bare() *Message {
	bare := &Message{frame: m.frame, head: m.head, tail: m.tail, traits: m.traits}
	if bins := m.bins(); bins != nil {
		bare.more.Store(&more{bins: bins}) // which lie within the frame
	} else if spare := cap(m.frame) - len(m.frame); spare > len(m.frame)/4 {
		bare.frame = append(make([]byte, 0, len(m.frame)), m.frame...)
	}
	return bare
}

// Memory is about what a message that is [Message.Bare] takes, in bytes.
func (m *Message) Memory() int {
	const rounding = 16 // of the allocator
	n := int(unsafe.Sizeof(*m)) + cap(m.frame) + rounding
	if m.more.Load() == nil {
		return n
	}
	return n + int(unsafe.Sizeof(more{})) + len(m.bins())*int(unsafe.Sizeof(m.frame))
}
