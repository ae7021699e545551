package fanout

import (
	"slices"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/packet"
)

// sizeGuess is what an encoded packet is expected to need beside its arguments.
const sizeGuess = 64

// Event is what is sent to clients. An argument is what [packet.AppendEvent] takes.
type Event struct {
	Name string
	Args []any
}

// encode makes the event's packet, which asks for an acknowledgement by that id; 0 is none. It
// fails when an argument cannot be written as JSON.
func (e Event) encode(namespace string, id uint64) (*engineio.Message, error) {
	msg, err := engineio.NewMessage(guess(e.Args), func(dst []byte) ([]byte, [][]byte, error) {
		return packet.AppendEvent(dst, namespace, e.Name, id, id != 0, e.Args)
	})
	if err != nil {
		return nil, err
	}
	e.setPlain(msg, namespace)
	return msg, nil
}

// encodeWith makes the event's packet with an offset behind its arguments, which a plain client is
// not sent.
func (e Event) encodeWith(offset, namespace string) (*engineio.Message, error) {
	stamped := Event{e.Name, append(slices.Clip(e.Args), offset)}
	msg, err := stamped.encode(namespace, 0)
	if err == nil {
		e.setPlain(msg, namespace)
	}
	return msg, err
}

// setPlain has plain clients read the message as this event.
func (e Event) setPlain(msg *engineio.Message, namespace string) {
	msg.SetPlain(func() (engineio.Plain, bool) { return readPlain(namespace, e.Name, e.Args) })
}

// EncodeAck makes the packet that acknowledges a client's event.
func EncodeAck(namespace string, id uint64, args []any) (*engineio.Message, error) {
	return engineio.NewMessage(guess(args), func(dst []byte) ([]byte, [][]byte, error) {
		return packet.AppendAck(dst, namespace, id, args)
	})
}

// EncodeConnect makes the packet by which a client is told that it is connected; nil is no payload.
func EncodeConnect(namespace string, payload any) (*engineio.Message, error) {
	return engineio.NewMessage(sizeGuess, func(dst []byte) ([]byte, [][]byte, error) {
		dst, err := packet.AppendConnect(dst, namespace, payload)
		return dst, nil, err
	})
}

// EncodeConnectError makes the packet by which a client is refused.
func EncodeConnectError(namespace string, payload any) (*engineio.Message, error) {
	return engineio.NewMessage(sizeGuess, func(dst []byte) ([]byte, [][]byte, error) {
		dst, err := packet.AppendConnectError(dst, namespace, payload)
		return dst, nil, err
	})
}

// EncodeDisconnect makes the packet by which a client is disconnected.
func EncodeDisconnect(namespace string) (*engineio.Message, error) {
	return engineio.NewMessage(sizeGuess, func(dst []byte) ([]byte, [][]byte, error) {
		dst, err := packet.AppendDisconnect(dst, namespace)
		return dst, nil, err
	})
}

// guess estimates how long the arguments will be, so that encoding allocates once.
func guess(args []any) int {
	n := sizeGuess
	for _, arg := range args {
		switch v := arg.(type) {
		case packet.Value:
			n += len(v.JSON) + 1
		case string:
			n += len(v) + 3
		}
	}
	return n
}
