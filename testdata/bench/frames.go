//go:build linux

package main

import (
	"bytes"
	"encoding/binary"
)

// frame handles a whole frame, of whose payload head is at least the beginning.
func (c *conn) frame(first byte, head []byte, size int) {
	switch {
	case first == opText && size > 0:
		c.packet(head, size)
	case first == opText|compressedBit && size > 0:
		c.compressed(head, size)
	case first == opPing && len(head) == size:
		c.write(maskedFrame(opPong, head))
	default:
		c.fail("frame %#x of %d bytes: %.50q", first, size, head)
	}
}

// feed takes bytes of frames. A frame that is whole is not copied.
func (c *conn) feed(p []byte) {
	if c.inflater != nil {
		c.in = append(c.in, p...)
		p, c.in = c.in, nil
		defer func() { c.in = bytes.Clone(p) }()
	}
	for len(p) > 0 && c.state != stateClosed {
		if c.skip > 0 {
			n := min(c.skip, len(p))
			c.skip -= n
			p = p[n:]
			c.finished()
			continue
		}
		if c.have == 0 {
			if at, size, ok := frameHeader(p); ok && len(p) >= at+size {
				c.frame(p[0], p[at:at+size], size)
				p = p[at+size:]
				continue
			}
			if c.inflater != nil {
				return // p is kept
			}
		}
		p = c.gather(p)
	}
}

// gather keeps the beginning of a frame, as much as there is room for.
func (c *conn) gather(p []byte) (rest []byte) {
	want := c.have + 1 // the header, byte by byte
	if at, size, ok := frameHeader(c.head[:c.have]); ok {
		want = min(headSize, at+size)
	}
	n := copy(c.head[c.have:want], p)
	c.have += n
	if at, size, ok := frameHeader(c.head[:c.have]); ok {
		c.size = size
		if c.have == min(headSize, at+size) {
			c.skip = at + size - c.have
			c.finished()
		}
	}
	return p[n:]
}

// finished handles the frame that came in pieces, if it is whole.
func (c *conn) finished() {
	if c.skip > 0 {
		return
	}
	at, _, _ := frameHeader(c.head[:c.have])
	head := c.head[at:c.have]
	c.have = 0
	c.frame(c.head[0], head, c.size)
}

// The first bytes of frames that are whole messages.
const (
	opText = 0x81
	opPing = 0x89
	opPong = 0x8A

	compressedBit = 0x40 // RSV1
)

// maskKey masks all that clients send; messages are masked before the clock runs.
var maskKey = [4]byte{0x37, 0xFA, 0x21, 0x3D}

// maskedFrame is a frame as clients send it.
func maskedFrame(op byte, payload []byte) []byte {
	f := []byte{op}
	switch n := len(payload); {
	case n < 126:
		f = append(f, 0x80|byte(n))
	case n < 1<<16:
		f = binary.BigEndian.AppendUint16(append(f, 0x80|126), uint16(n))
	default:
		f = binary.BigEndian.AppendUint64(append(f, 0x80|127), uint64(n))
	}
	f = append(f, maskKey[:]...)
	for i, b := range payload {
		f = append(f, b^maskKey[i%4])
	}
	return f
}

// frameHeader reads the header of a server's frame: where the payload begins and how long it is.
func frameHeader(p []byte) (at, size int, ok bool) {
	if len(p) < 2 {
		return 0, 0, false
	}
	switch n := int(p[1]); {
	case n < 126:
		return 2, n, true
	case n == 126 && len(p) >= 4:
		return 4, int(binary.BigEndian.Uint16(p[2:])), true
	case n == 127 && len(p) >= 10:
		return 10, int(binary.BigEndian.Uint64(p[2:])), true
	}
	return 0, 0, false
}
