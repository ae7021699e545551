package socketiotest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"hipflask/server/internal/packet"
)

// Value is an argument as it came to the client. Unlike a socketio.Value it shows itself as JSON,
// as a client's side would.
type Value struct{ raw }

// raw is embedded under a name of this package, so that nobody else sees the type.
type raw = packet.Carrier

// Decode stores the value in what into points to, as encoding/json does; binary goes into []byte.
func (v Value) Decode(into any) error { return packet.Carried(v.raw).Decode(into) }

// Bytes returns the value if all of it is binary.
func (v Value) Bytes() ([]byte, bool) { return packet.Carried(v.raw).Bytes() }

// IsNull reports whether the value is null.
func (v Value) IsNull() bool { return packet.Carried(v.raw).IsNull() }

// String returns the value's JSON as it came, where binary is a placeholder.
func (v Value) String() string {
	text := packet.Carried(v.raw).JSON
	if len(text) == 0 {
		return "null"
	}
	return string(text)
}

// Event is an event that a client received.
type Event struct {
	Name string
	Args []Value

	reply func(args []any) // nil if the server wants no acknowledgement
}

// Decode stores the arguments in what into points to, one each. It fails when there are more or
// fewer, or one does not fit.
func (e Event) Decode(into ...any) error {
	if len(e.Args) != len(into) {
		return fmt.Errorf("%d arguments, not %d: %s", len(e.Args), len(into), jsonList(e.Args))
	}
	var errs []error
	for i, arg := range e.Args {
		if err := arg.Decode(into[i]); err != nil {
			errs = append(errs, fmt.Errorf("argument %d, %s: %w", i+1, arg, err))
		}
	}
	return errors.Join(errs...)
}

// Ack acknowledges the event: it ends the server's Call. An event that nobody wants acknowledged
// ignores it, as a JavaScript client does.
func (e Event) Ack(args ...any) {
	if e.reply != nil {
		e.reply(args)
	}
}

// String returns the name and the arguments as JSON: message ["hello",1].
func (e Event) String() string { return e.Name + " " + jsonList(e.Args) }

func jsonList(args []Value) string {
	texts := make([]string, len(args))
	for i, arg := range args {
		texts[i] = arg.String()
	}
	return "[" + strings.Join(texts, ",") + "]"
}

// refusal reads the payload of a CONNECT_ERROR packet.
func refusal(payload []byte) *RefusedError {
	var told struct {
		Message string
		Data    json.RawMessage
	}
	if json.Unmarshal(payload, &told) != nil {
		told.Message = strings.Trim(string(payload), `"`) // a bare string, which Flask sends at times
	}
	return &RefusedError{Message: told.Message, Data: Value{packet.Carry(packet.Value{JSON: told.Data})}}
}

// RefusedError is a connection that the server refused: the connect_error of a JavaScript client.
type RefusedError struct {
	Message string
	Data    Value // null if the server sent none
}

func (e *RefusedError) Error() string {
	if e.Data.IsNull() {
		return fmt.Sprintf("connection refused: %q", e.Message)
	}
	return fmt.Sprintf("connection refused: %q with %s", e.Message, e.Data)
}

func values(args []packet.Value) []Value {
	list := make([]Value, len(args))
	for i, arg := range args {
		list[i] = Value{packet.Carry(arg)}
	}
	return list
}
