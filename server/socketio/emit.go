package socketio

import (
	"context"

	"hipflask/server/internal/packet"
)

// Emit sends an event to this client alone. Flask: emit(event, ...). Arguments and
// errors are those of [Namespace.Emit].
func (c *Context) Emit(event string, args ...any) error {
	e, err := newEvent(event, args)
	if err != nil {
		return err
	}
	c.member.Send(e)
	c.tellSent(e)
	return nil
}

// Call sends an event to this client and waits for its acknowledgement: until ctx
// ends, a minute if it has no deadline, or the client leaves. A handler that waits
// holds up this client's later events. In a connect handler it cannot be answered:
// the client hears nothing before that has returned. Flask: call(event, ...,
// to=request.sid).
func (c *Context) Call(ctx context.Context, event string, args ...any) ([]Value, error) {
	wait, err := c.ask(event, args)
	if err != nil {
		return nil, err
	}
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	return wait(ctx)
}

// ask sends the event. What it returns waits for the acknowledgement, and is called once.
func (c *Context) ask(event string, args []any) (wait func(context.Context) ([]Value, error), err error) {
	e, err := newEvent(event, args)
	if err != nil {
		return nil, err
	}
	gone := c.Context()
	answer := make(chan []Value, 1)
	forget := c.member.Ask(e, func(args []packet.Value, err error) {
		if err == nil {
			answer <- valueList(args)
		}
	})
	c.tellSent(e)
	return func(ctx context.Context) ([]Value, error) {
		defer forget()
		select {
		case values := <-answer:
			return values, nil
		case <-gone.Done():
			err = ErrDisconnected
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
		select { // both
		case values := <-answer:
			return values, nil
		default:
			return nil, err
		}
	}, nil
}

// Ask sends an event to this client and returns at once; callback is told later what it
// acknowledged, or, as Call is, why nothing: it is called once, beside the client's
// handlers, and not at all when Ask fails. Flask: emit(event, ..., callback=answered).
func (c *Context) Ask(callback func(answer []Value, err error), event string, args ...any) error {
	wait, err := c.ask(event, args)
	if err == nil {
		c.space.server.aside(func() {
			ctx, cancel := withDeadline(context.Background())
			defer cancel()
			callback(wait(ctx))
		})
	}
	return err
}
