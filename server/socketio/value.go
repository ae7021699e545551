package socketio

import (
	"hipflask/server/internal/packet"
	"hipflask/server/internal/pyprint"
)

// Args are several values where one is expected: a handler that returns Args acknowledges with as
// many as there are, and Emit sends them as so many arguments. What is in it is sent as it is:
// Args{nil} is one null, where nil alone is no argument, and Args{} is none. Its Flask counterpart
// is a tuple: return 1, 'two' and return (None,).
type Args []any

// Value is one argument of an event as the client sent it: JSON that is not decoded until somebody
// asks. Emitted again it goes out byte for byte as it came in, with its key order, its big integers
// and its binary attachments; also as part of a list, a map or a struct.
type Value struct{ raw }

// raw is embedded under a name of this package, so that nobody else sees the type.
type raw = packet.Carrier

// Decode stores the value in what into points to, as encoding/json does; binary goes into []byte.
// Flask has decoded it already: data['key'].
func (v Value) Decode(into any) error { return packet.Carried(v.raw).Decode(into) }

// IsNull reports whether the value is null: what JavaScript sends for null, undefined and NaN. The
// zero Value is null. Flask: data is None.
func (v Value) IsNull() bool { return packet.Carried(v.raw).IsNull() }

// Bytes returns the value if all of it is one binary attachment.
// Flask: isinstance(data, bytes).
func (v Value) Bytes() ([]byte, bool) { return packet.Carried(v.raw).Bytes() }

// String returns the value as Python's print shows it: a string as it is, an object as {'a': 1},
// true as True, bytes as b'...'. Flask: print(data).
func (v Value) String() string {
	if v.IsNull() {
		return "None"
	}
	return string(pyprint.AppendValue(nil, packet.Carried(v.raw)))
}

// valueList makes values of arguments that came in.
func valueList(args []packet.Value) []Value {
	values := make([]Value, len(args))
	for i, v := range args {
		values[i] = Value{packet.Carry(v)}
	}
	return values
}
