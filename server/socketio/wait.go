package socketio

import (
	"context"
	"errors"
	"time"
)

// ErrDisconnected ends a Call whose client went away.
var ErrDisconnected = errors.New("client disconnected")

// waitTimeout is how long a Call waits whose context has no deadline: Flask's
// default.
const waitTimeout = time.Minute

// withDeadline gives ctx the default deadline if it has none.
func withDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, waitTimeout)
}
