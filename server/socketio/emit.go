package socketio

import (
	"fmt"

	"hipflask/server/internal/fanout"
	"hipflask/server/internal/packet"
)

// newEvent is an event as clients are sent it. What may change later is written down now.
func newEvent(name string, args []any) (fanout.Event, error) {
	if packet.Reserved(name) {
		return fanout.Event{}, fmt.Errorf("event name %q is reserved", name)
	}
	args = spread(args)
	frozen, err := appendArgs(make([]any, 0, len(args)), args)
	return fanout.Event{Name: name, Args: frozen}, err
}

// spread is what a list of arguments stands for: a single nil for none, as None does in
// Flask, and a single Args for what is in it.
func spread(args []any) []any {
	if len(args) != 1 {
		return args
	}
	if several, ok := args[0].(Args); ok {
		return several
	}
	if isNull(args[0]) {
		return nil
	}
	return args
}

func appendArgs(data []any, args []any) ([]any, error) {
	for i, arg := range args {
		switch v := arg.(type) {
		case Value:
			data = append(data, packet.Carried(v.raw))
		case string, bool, nil:
			data = append(data, v)
		default:
			frozen, err := packet.NewValue(arg)
			if err != nil {
				return nil, fmt.Errorf("argument %d: %w", i+1, err)
			}
			data = append(data, frozen)
		}
	}
	return data, nil
}

func isNull(arg any) bool {
	v, ok := arg.(Value)
	return arg == nil || ok && v.IsNull()
}

// valueList makes values of arguments that came in.
func valueList(args []packet.Value) []Value {
	values := make([]Value, len(args))
	for i, v := range args {
		values[i] = Value{packet.Carry(v)}
	}
	return values
}
