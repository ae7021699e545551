package socketio

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Refusal is an error with which a connect handler refuses a client.
type Refusal struct {
	Message string // what the client's connect_error says
	Data    any    // sent along, if not nil
}

// Refuse makes a [Refusal]. Flask: raise ConnectionRefusedError(message).
func Refuse(message string) error { return &Refusal{Message: message} }

func (r *Refusal) Error() string { return r.Message }

// errNoHandler is an event that nobody registered for. Flask ignores those, and does not
// acknowledge them.
var errNoHandler = errors.New("no handler for this event")

// ErrNoAck is what a handler, or middleware, returns as its error for an event that is not to be
// acknowledged, although nothing went wrong: the client waits until its own time limit. Flask has
// none; in Node it is a callback that is not called.
var ErrNoAck = errors.New("no acknowledgement is wanted")

// PanicError is a handler's panic.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("handler panicked: %v", e.Value) }

// ErrDisconnected ends a Call whose client went away.
var ErrDisconnected = errors.New("client disconnected")

// waitTimeout is how long a Call waits whose context has no deadline: Flask's default.
const waitTimeout = time.Minute

// withDeadline gives ctx a deadline if it has none.
func withDeadline(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, timeout)
}
