package engineio

import (
	"sync/atomic"
	"weak"
)

// derived is what was made of a message, for all who need it. That of a message which is kept, see
// Message.Kept, is there only while it is used: the bytes that were counted for the kept message
// are its own alone.
type derived[T any] struct {
	made *T
	weak weak.Pointer[T]
}

func (d *derived[T]) value() *T {
	switch {
	case d == nil:
		return nil
	case d.made != nil:
		return d.made
	}
	return d.weak.Value()
}

// derive returns what stands in a message, or else what is made now.
func derive[T any](in *atomic.Pointer[derived[T]], kept bool, fresh func() *T) *T {
	was := in.Load()
	if v := was.value(); v != nil {
		return v
	}
	v := fresh()
	now := &derived[T]{made: v}
	if kept {
		now = &derived[T]{weak: weak.Make(v)}
	}
	if in.CompareAndSwap(was, now) {
		return v
	}
	if first := in.Load().value(); first != nil {
		return first
	}
	return v
}
