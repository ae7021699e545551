package socketio

import (
	"context"
	"errors"
	"slices"
	"sync"

	"hipflask/server/internal/fanout"
	"hipflask/server/internal/packet"
)

// Answer is what one client acknowledged. Client is its id, empty for one of a Node server in the
// cluster, which does not tell it.
type Answer struct {
	Client string
	Values []Value
}

// Call sends an event to the clients and waits for their acknowledgements. When ctx ends, or a
// minute has passed if it has no deadline, it returns those that came and the context's error; when
// a client leaves instead of answering, [ErrDisconnected]. In a cluster clients of the other
// servers answer as well, those of Node servers with their first argument only, and one that leaves
// is waited for until the end. Flask: socketio.call(event, ..., to=sid), for one client.
func (t *Target) Call(ctx context.Context, event string, args ...any) ([]Answer, error) {
	ctx, cancel := withDeadline(ctx, waitTimeout)
	defer cancel()
	wait, err := t.ask(ctx, event, args)
	if err != nil {
		return nil, err
	}
	return wait()
}

// Ask sends an event to the clients and returns at once; callback is told later what they
// acknowledged, and why not more, as Call returns it: it is called once, beside the handlers, and
// not at all when Ask fails. Clients of other servers may be sent the event after what is emitted
// next. Flask: socketio.emit(event, ..., to=sid, callback=answered), for one client.
func (t *Target) Ask(callback func(answers []Answer, err error), event string, args ...any) error {
	ctx, cancel := withDeadline(context.Background(), waitTimeout)
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

// answers are what the clients that an event was sent to acknowledge.
type answers struct {
	mu   sync.Mutex
	list []Answer // of all servers' clients

	// Of the clients of this server:
	answered, gone int
	asked          int           // -1 until it is known, and once all have answered or left
	done           chan struct{} // closed then
}

// add takes the answer of a client of this server, or an error for one that left.
func (a *answers) add(client string, args []packet.Value, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil {
		a.gone++
	} else {
		a.answered++
		a.list = append(a.list, Answer{client, valueList(args)})
	}
	a.checkLocked()
}

// addOther takes the answer of a client of another server.
func (a *answers) addOther(answer Answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.list = append(a.list, answer)
}

// expect sets how many clients of this server were asked.
func (a *answers) expect(asked int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked = asked
	a.checkLocked()
}

func (a *answers) checkLocked() {
	if a.answered+a.gone == a.asked {
		close(a.done)
		a.asked = -1
	}
}

// await waits for the clients of this server, or until ctx ends, and then calls forget.
func (a *answers) await(ctx context.Context, forget []func()) error {
	select {
	case <-a.done:
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.gone > 0 {
			return ErrDisconnected
		}
		return nil
	case <-ctx.Done():
		for _, f := range forget {
			f()
		}
		return context.Cause(ctx)
	}
}

// ask sends the event. What it returns waits for the acknowledgements, or until ctx ends, and is
// called once.
func (t *Target) ask(ctx context.Context, event string, args []any) (wait func() ([]Answer, error), err error) {
	e, err := t.event(event, args)
	if err != nil {
		return nil, err
	}
	got := &answers{asked: -1, done: make(chan struct{})}
	sent := 0
	forget := []func(){}
	for _, rooms := range t.adapters() {
		n, f := rooms.Call(e, t.who, got.add)
		sent += n
		forget = append(forget, f)
	}
	got.expect(sent)
	t.tellSent(e)
	others := t.callOthers(ctx, e, got.addOther)
	return func() ([]Answer, error) {
		err := got.await(ctx, forget)
		if late := others(); err == nil {
			err = late
		}
		got.mu.Lock()
		defer got.mu.Unlock()
		return slices.Clone(got.list), err
	}, nil
}

// callOthers begins to ask the clients of the other servers. What it returns waits until all have
// answered or ctx has ended.
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

// Call sends an event to this client and waits for its acknowledgement: until ctx ends, a minute if
// it has no deadline, or the client leaves. A handler that waits holds up this client's later
// events. In a connect handler it cannot be answered: the client hears nothing before that has
// returned. Flask: call(event, ..., to=request.sid).
func (c *Context) Call(ctx context.Context, event string, args ...any) ([]Value, error) {
	wait, err := c.ask(event, args)
	if err != nil {
		return nil, err
	}
	ctx, cancel := withDeadline(ctx, waitTimeout)
	defer cancel()
	c.conn.session.ReadOn() // the acknowledgement
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
// acknowledged, or, as Call is, why nothing: it is called once, beside the client's handlers, and
// not at all when Ask fails. Flask: emit(event, ..., callback=answered).
func (c *Context) Ask(callback func(answer []Value, err error), event string, args ...any) error {
	wait, err := c.ask(event, args)
	if err == nil {
		c.space.server.aside(func() {
			ctx, cancel := withDeadline(context.Background(), waitTimeout)
			defer cancel()
			callback(wait(ctx))
		})
	}
	return err
}
