package fanout

import (
	"hipflask/server/internal/engineio"
	"hipflask/server/internal/packet"
)

// readPlain returns an event as a plain WebSocket client reads it. The client is sent the event
// "message" of the main namespace, when that has exactly one argument: a string as it is, bytes as
// a binary message, anything else as JSON text. Other events have a name, and several arguments an
// order, that a bare message could not carry; they are not sent to it.
func readPlain(namespace, event string, args []any) (engineio.Plain, bool) {
	if namespace != "/" || event != "message" || len(args) != 1 {
		return engineio.Plain{}, false
	}
	switch arg := args[0].(type) {
	case string:
		return engineio.Plain{Data: []byte(arg)}, true
	case []byte:
		return engineio.Plain{Binary: true, Data: arg}, true
	case packet.Value:
		return plainValue(arg)
	}
	v, err := packet.NewValue(args[0])
	if err != nil {
		return engineio.Plain{}, false
	}
	return plainValue(v)
}

func plainValue(v packet.Value) (engineio.Plain, bool) {
	if b, ok := v.Bytes(); ok {
		return engineio.Plain{Binary: true, Data: b}, true
	}
	if s, ok := v.Text(); ok {
		return engineio.Plain{Data: []byte(s)}, true
	}
	// An object that holds bytes has no JSON text of its own.
	return engineio.Plain{Data: v.JSON}, len(v.Attachments) == 0
}
