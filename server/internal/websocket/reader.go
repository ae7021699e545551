package websocket

import (
	"encoding/binary"
	"errors"
	"unicode/utf8"

	"hipflask/server/internal/deflate"
)

// firstMessageBuffer is the least that a message in several parts allocates, unless the message
// itself is smaller.
const firstMessageBuffer = 512

// Handler takes what is read. Its methods run one at a time, and a payload is valid during the call
// only. An error ends the reading, and is the reason for that unchanged.
type Handler interface {
	// Message takes a whole message, Text or Binary; a text has been checked to be UTF-8.
	Message(op Opcode, payload []byte) error
	// Ping takes a ping of at most 125 bytes, to be answered with a pong of the same payload
	// (section 5.5.3).
	Ping(payload []byte) error
	// Pong takes a pong of at most 125 bytes, asked for or not.
	Pong(payload []byte) error
}

// reader turns the bytes of a client's stream into messages, however the stream is cut into pieces.
// It holds memory only for a message or control frame of which a part has come.
type reader struct {
	max   int            // bytes of a message
	codec *deflate.Codec // of compressed messages; nil: they were not agreed on

	// The frame whose payload is being read.
	left    int    // bytes of payload still to come
	key     uint32 // its low byte is for the next byte of payload
	op      Opcode
	fin     bool
	inFrame bool

	// The message that has begun and is not complete.
	msgOp   Opcode // Continuation: no fragment has come
	packed  bool   // it is compressed
	msg     []byte // of several fragments, or of one frame in several pieces
	checked int    // bytes of msg known to be whole UTF-8 characters

	ctl []byte // the part of a control frame's payload that has come

	hdrLen uint8
	hdr    [maxHeader]byte // the part of a header that has come
}

// between reports whether nothing has begun that is not complete.
func (r *reader) between() bool { return !r.inFrame && r.hdrLen == 0 && r.msgOp == Continuation }

// feed takes the next bytes of the stream and calls h for all that they complete. It writes to p.
func (r *reader) feed(p []byte, h Handler) error {
	for len(p) > 0 {
		if !r.inFrame {
			rest, err := r.header(p)
			if err != nil {
				return err
			}
			if p = rest; !r.inFrame {
				return nil
			}
		}
		part := p[:min(r.left, len(p))]
		p = p[len(part):]
		r.key = unmask(part, r.key)
		if err := r.payload(part, h); err != nil {
			return err
		}
	}
	return nil
}

// header takes what belongs to a frame's header from p and returns the rest. r.inFrame is true once
// it is complete.
func (r *reader) header(p []byte) ([]byte, error) {
	if r.hdrLen == 0 {
		size, err := r.decode(p)
		if err != nil || size <= len(p) {
			return p[min(size, len(p)):], err
		}
		r.hdrLen = uint8(copy(r.hdr[:], p))
		return nil, nil
	}
	for {
		have := int(r.hdrLen)
		size, err := r.decode(r.hdr[:have])
		if err != nil {
			return nil, err
		}
		if r.inFrame {
			r.hdrLen = 0
			return p, nil
		}
		if len(p) == 0 {
			return nil, nil
		}
		n := copy(r.hdr[have:size], p)
		r.hdrLen += uint8(n)
		p = p[n:]
	}
}

// decode reads a frame's header from the start of b and checks each part of it as soon as it is
// there. It returns how many bytes it needs to go on: no more than len(b) once the header is
// complete and the frame has begun.
func (r *reader) decode(b []byte) (int, error) {
	if len(b) < 2 {
		return 2, nil
	}
	if err := r.checkStart(b[0], b[1]); err != nil {
		return 0, err
	}
	op := Opcode(b[0] & 0x0F)
	length, size := uint64(b[1]&^maskBit), 2
	switch length {
	case 126:
		if size = 4; len(b) < size {
			return size, nil
		}
		if length = uint64(binary.BigEndian.Uint16(b[2:])); length < 126 {
			return 0, protocolError("payload length not in its shortest form")
		}
	case 127:
		if size = 10; len(b) < size {
			return size, nil
		}
		length = binary.BigEndian.Uint64(b[2:])
		if length <= 0xFFFF {
			return 0, protocolError("payload length not in its shortest form")
		}
		if length>>63 != 0 {
			return 0, protocolError("payload length with its highest bit set")
		}
	}
	if op == Text || op == Binary {
		r.packed = b[0]&packedBit != 0
	}
	if op < Close && length > uint64(max(r.most()-len(r.msg), 0)) {
		return 0, &CloseError{Code: CloseTooBig, Reason: "message too big"}
	}
	if size += 4; len(b) < size {
		return size, nil
	}
	r.key = binary.LittleEndian.Uint32(b[size-4:])
	r.left = int(length)
	r.op, r.fin, r.inFrame = op, b[0]&finBit != 0, true
	return size, nil
}

// most is how many bytes of a message may come. What does not get smaller by compression gets
// larger, by no more than zlib's deflateBound says for any of its settings.
func (r *reader) most() int {
	if r.packed {
		return r.max + r.max/8 + r.max/64 + 16
	}
	return r.max
}

// checkStart checks the first two bytes of a frame: sections 5.1 (mask), 5.2 (reserved bits and
// opcodes), 5.4 (order of fragments) and 5.5 (control frames).
func (r *reader) checkStart(first, second byte) error {
	op := Opcode(first & 0x0F)
	reserved := byte(rsvBits)
	if r.codec != nil && (op == Text || op == Binary) { // RFC 7692, section 6: the first fragment alone
		reserved &^= packedBit
	}
	switch {
	case first&reserved != 0:
		return protocolError("reserved bit set")
	case second&maskBit == 0:
		return protocolError("frame not masked")
	case op > Pong || op > Binary && op < Close:
		return protocolError("reserved opcode")
	case op >= Close && first&finBit == 0:
		return protocolError("fragmented control frame")
	case op >= Close && second&^maskBit > maxControl:
		return protocolError("control frame too long")
	case op == Continuation && r.msgOp == Continuation:
		return protocolError("continuation of no message")
	case (op == Text || op == Binary) && r.msgOp != Continuation:
		return protocolError("new message inside a fragmented one")
	}
	return nil
}

// payload takes the next bytes of the current frame's payload, and hands the frame or message on
// when they complete it.
func (r *reader) payload(part []byte, h Handler) error {
	if r.op >= Close {
		return r.control(part, h)
	}
	if r.msgOp == Continuation && r.fin && len(part) == r.left && r.msg == nil {
		r.left, r.inFrame = 0, false
		return r.whole(r.op, part, 0, h)
	}
	r.collect(part)
	frameEnds := r.left == 0
	op := r.op
	if r.msgOp != Continuation {
		op = r.msgOp
	}
	if op == Text && !r.packed && !r.checkText(frameEnds && r.fin) {
		return textError("text is not UTF-8")
	}
	if !frameEnds {
		return nil
	}
	r.inFrame = false
	if !r.fin {
		r.msgOp = op
		return nil
	}
	msg, checked := r.msg, r.checked
	r.msg, r.msgOp, r.checked = nil, Continuation, 0
	return r.whole(op, msg, checked, h)
}

// whole hands on a message, of which so many bytes are known to be UTF-8.
func (r *reader) whole(op Opcode, msg []byte, checked int, h Handler) error {
	if r.packed {
		var err error
		msg, err = r.codec.Decompress(msg, r.max)
		switch {
		case errors.Is(err, deflate.ErrTooBig):
			return &CloseError{Code: CloseTooBig, Reason: "message too big"}
		case err != nil:
			return &CloseError{Code: CloseInvalidPayload, Reason: "message is not well compressed"}
		}
	}
	if op == Text && !utf8.Valid(msg[checked:]) {
		return textError("text is not UTF-8")
	}
	return h.Message(op, msg)
}

// collect appends part to the message. The buffer grows with what has come, at most to twice that,
// and never beyond what the message can still become.
func (r *reader) collect(part []byte) {
	if need := len(r.msg) + len(part); need > cap(r.msg) {
		most := r.most()
		if r.fin {
			most = len(r.msg) + r.left
		}
		grown := make([]byte, len(r.msg), min(max(need, 2*cap(r.msg), firstMessageBuffer), most))
		copy(grown, r.msg)
		r.msg = grown
	}
	r.msg = append(r.msg, part...)
	r.left -= len(part)
}

// checkText checks the part of the message that has come since the last check, so that a fault is
// found with the byte that makes it, wherever the stream is cut. Unless this is the end, a
// character may be incomplete.
func (r *reader) checkText(end bool) bool {
	fresh := r.msg[r.checked:]
	if !end {
		fresh = fresh[:wholeRunes(fresh)]
	}
	r.checked += len(fresh)
	return utf8.Valid(fresh)
}

// wholeRunes is the length of b without a last character that is right so far and not complete.
func wholeRunes(b []byte) int {
	for i := len(b) - 1; i >= max(0, len(b)-utf8.UTFMax); i-- {
		if utf8.RuneStart(b[i]) {
			if !utf8.FullRune(b[i:]) {
				return i
			}
			break
		}
	}
	return len(b)
}

// control takes the next bytes of a control frame's payload, and acts on the frame when it is
// whole.
func (r *reader) control(part []byte, h Handler) error {
	if r.left -= len(part); r.left > 0 {
		r.ctl = append(r.ctl, part...)
		return nil
	}
	r.inFrame = false
	if len(r.ctl) > 0 {
		part = append(r.ctl, part...)
		r.ctl = nil
	}
	switch r.op {
	case Ping:
		return h.Ping(part)
	case Pong:
		return h.Pong(part)
	}
	return closed(part)
}

// closed is the end that a close frame's payload asks for: the peer's own code and reason, or the
// fault in them (sections 5.5.1 and 7.4).
func closed(payload []byte) *CloseError {
	if len(payload) == 0 {
		return &CloseError{Code: CloseNoStatus, Received: true}
	}
	if len(payload) == 1 {
		return protocolError("close frame of one byte")
	}
	code := int(binary.BigEndian.Uint16(payload))
	switch {
	case !validCloseCode(code):
		return protocolError("invalid close code")
	case !utf8.Valid(payload[2:]):
		return textError("close reason is not UTF-8")
	}
	return &CloseError{Code: code, Reason: string(payload[2:]), Received: true}
}
