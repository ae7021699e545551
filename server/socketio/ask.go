package socketio

import (
	"context"
	"errors"
	"slices"
	"sync"

	"hipflask/server/internal/fanout"
	"hipflask/server/internal/packet"
)

// Answer is what one client acknowledged. Client is its id, empty for one of a Node server
// in the cluster, which does not tell it.
type Answer struct {
	Client string
	Values []Value
}

// Call sends an event to the clients and waits for their acknowledgements. When
// ctx ends, or a minute has passed if it has no deadline, it returns those that
// came and the context's error; when a client leaves instead of answering,
// [ErrDisconnected]. In a cluster clients of the other servers answer as well, those of
// Node servers with their first argument only, and one that leaves is waited for until
// the end. Flask: socketio.call(event, ..., to=sid), for one client.
func (t *Target) Call(ctx context.Context, event string, args ...any) ([]Answer, error) {
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	wait, err := t.ask(ctx, event, args)
	if err != nil {
		return nil, err
	}
	return wait()
}

// Ask sends an event to the clients and returns at once; callback is told later what they
// acknowledged, and why not more, as Call returns it: it is called once, beside the
// handlers, and not at all when Ask fails. Clients of other servers may be sent the event
// after what is emitted next. Flask: socketio.emit(event, ..., to=sid, callback=answered),
// for one client.
func (t *Target) Ask(callback func(answers []Answer, err error), event string, args ...any) error {
	ctx, cancel := withDeadline(context.Background())
	wait, err := t.ask(ctx, event, args)
	if err != nil {
		cancel()
		return err
	}
	t.server.aside(func() {
		defer cancel()
		callback(wait())
	})
	return nil
}

// ask sends the event. What it returns waits for the acknowledgements, or until ctx ends,
// and is called once.
func (t *Target) ask(ctx context.Context, event string, args []any) (wait func() ([]Answer, error), err error) {
	e, err := t.event(event, args)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var answers []Answer
	expected, gone := -1, 0
	done := make(chan struct{})
	check := func() { // with mu held
		if len(answers)+gone == expected {
			close(done)
			expected = -1
		}
	}
	answered := func(client string, args []packet.Value, err error) {
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			gone++
		} else {
			answers = append(answers, Answer{client, valueList(args)})
		}
		check()
	}
	sent := 0
	forget := []func(){}
	for _, rooms := range t.adapters() {
		n, f := rooms.Call(e, t.who, answered)
		sent += n
		forget = append(forget, f)
	}
	mu.Lock()
	expected = sent
	check()
	mu.Unlock()
	t.tellSent(e)
	others := t.callOthers(ctx, e, func(answer Answer) {
		mu.Lock()
		defer mu.Unlock()
		answers = append(answers, answer)
	})
	return func() ([]Answer, error) {
		var err error
		select {
		case <-done:
			if gone > 0 {
				err = ErrDisconnected
			}
		case <-ctx.Done():
			err = context.Cause(ctx)
			for _, f := range forget {
				f()
			}
		}
		if late := others(); err == nil {
			err = late
		}
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(answers), err
	}, nil
}

// callOthers begins to ask the clients of the other servers. What it returns waits
// until all have answered or ctx has ended.
func (t *Target) callOthers(ctx context.Context, e fanout.Event, answered func(Answer)) func() error {
	if t.server.opts.Peers == nil || t.who.Local {
		return func() error { return nil }
	}
	namespaces := t.adapters()
	done := make(chan error, len(namespaces))
	for _, a := range namespaces {
		go func() {
			done <- a.CallOthers(ctx, e, t.who, func(a fanout.Answer) { answered(Answer{a.Client, valueList(a.Args)}) })
		}()
	}
	return func() error {
		var errs []error
		for range namespaces {
			errs = append(errs, <-done)
		}
		return errors.Join(errs...)
	}
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
