package websocket

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Opcode is the kind of a frame, RFC 6455 section 5.2.
type Opcode byte

// The opcodes that section 5.2 defines. All others are reserved.
const (
	Continuation Opcode = 0x0
	Text         Opcode = 0x1
	Binary       Opcode = 0x2
	Close        Opcode = 0x8
	Ping         Opcode = 0x9
	Pong         Opcode = 0xA
)

// Close codes of RFC 6455 section 7.4.1 that a server of ours uses.
const (
	CloseNormal         = 1000
	CloseGoingAway      = 1001
	CloseProtocolError  = 1002
	CloseNoStatus       = 1005 // the close frame held no code; never sent
	CloseAbnormal       = 1006 // no close frame came; never sent
	CloseInvalidPayload = 1007
	CloseTooBig         = 1009
	closeTLSFailure     = 1015 // never sent
)

const (
	finBit    = 0x80
	rsvBits   = 0x70
	packedBit = 0x40 // RSV1: the message is compressed, RFC 7692, section 6
	maskBit   = 0x80

	maxControl = 125 // bytes of payload in a control frame, section 5.5
	maxReason  = maxControl - 2
	maxHeader  = 2 + 8 + 4
)

// HeaderSize is the number of bytes of an unmasked frame's header before n bytes of payload.
func HeaderSize(n int) int {
	switch {
	case n <= 125:
		return 2
	case n <= 0xFFFF:
		return 4
	default:
		return 10
	}
}

// AppendHeader appends the header of an unmasked, final frame that holds n bytes of payload
// (section 5.2).
func AppendHeader(dst []byte, op Opcode, n int) []byte {
	first := finBit | byte(op)
	switch {
	case n <= 125:
		return append(dst, first, byte(n))
	case n <= 0xFFFF:
		return append(dst, first, 126, byte(n>>8), byte(n))
	default:
		dst = append(dst, first, 127)
		return binary.BigEndian.AppendUint64(dst, uint64(n))
	}
}

// AppendFrame appends a whole unmasked, final frame, as a server sends it. For Ping, Pong and Close
// the caller keeps payload to 125 bytes.
func AppendFrame(dst []byte, op Opcode, payload []byte) []byte {
	return append(AppendHeader(dst, op, len(payload)), payload...)
}

// SplitFrame takes the first frame off what AppendFrame has made.
func SplitFrame(frames []byte) (op Opcode, payload, rest []byte) {
	size, head := int(frames[1]), 2
	switch size {
	case 126:
		size, head = int(binary.BigEndian.Uint16(frames[2:])), 4
	case 127:
		size, head = int(binary.BigEndian.Uint64(frames[2:])), 10
	}
	return Opcode(frames[0] & 0x0F), frames[head : head+size], frames[head+size:]
}

// AppendClose appends a close frame (section 5.5.1). The reason is made valid UTF-8 and cut to 123
// bytes between two runes. The codes 1005, 1006 and 1015 must not travel (section 7.4.1): they give
// a close frame without code and reason.
func AppendClose(dst []byte, code int, reason string) []byte {
	switch code {
	case CloseNoStatus, CloseAbnormal, closeTLSFailure:
		return AppendHeader(dst, Close, 0)
	}
	reason = strings.ToValidUTF8(reason, "\uFFFD")
	if len(reason) > maxReason {
		n := maxReason
		for !utf8.RuneStart(reason[n]) {
			n--
		}
		reason = reason[:n]
	}
	dst = AppendHeader(dst, Close, 2+len(reason))
	dst = append(dst, byte(code>>8), byte(code))
	return append(dst, reason...)
}

// validCloseCode reports whether a peer may send code in a close frame: section 7.4.1, the codes
// registered since (1012 to 1014), and the ranges 3000 to 4999 of section 7.4.2.
func validCloseCode(code int) bool {
	switch {
	case code >= 1000 && code <= 1003, code >= 1007 && code <= 1014, code >= 3000 && code <= 4999:
		return true
	}
	return false
}

// CloseError ends the reading for a reason that the protocol has a close code for.
type CloseError struct {
	Code   int    // Received: the peer's code, 1005 when it gave none. Else what we must close with.
	Reason string // Received: the peer's words. Else what it did wrong, fit to be sent.

	Received bool // the peer's close frame came
}

func (e *CloseError) Error() string {
	if e.Received {
		return fmt.Sprintf("websocket: closed by peer: %d %q", e.Code, e.Reason)
	}
	return fmt.Sprintf("websocket: %s (%d)", e.Reason, e.Code)
}

func protocolError(reason string) *CloseError {
	return &CloseError{Code: CloseProtocolError, Reason: reason}
}

func textError(reason string) *CloseError {
	return &CloseError{Code: CloseInvalidPayload, Reason: reason}
}
