package cluster

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"hipflask/server/internal/cluster/flaskqueue"
	"hipflask/server/internal/cluster/nodewire"
	"hipflask/server/internal/fanout"
	"hipflask/server/internal/packet"
)

// request publishes a request.
func (c *Cluster) request(namespace string, r *nodewire.Request, once bool) error {
	r.UID = c.uid
	payload, err := c.appendRequest(namespace, r)
	if err != nil {
		return err
	}
	c.out.put(entry{channel: c.questions(namespace), payload: payload, once: once}, false)
	return nil
}

// tell publishes a request that nobody answers, and that does no harm twice.
func (c *Cluster) tell(namespace string, r *nodewire.Request) {
	if c.stream != nil {
		r.UID = c.uid
		e, err := nodewire.RequestEntry(namespace, r)
		if err != nil {
			c.notSent(namespace, err)
			return
		}
		c.enter(e, false)
		return
	}
	if err := c.request(namespace, r, false); err != nil {
		c.notSent(namespace, err)
	}
}

// Join puts clients of the other servers into rooms.
func (c *Cluster) Join(namespace string, who fanout.Selection, rooms []string) {
	c.move(nodewire.RemoteJoin, namespace, who, rooms)
	c.moveOnQueue(flaskqueue.EnterRoom, namespace, who, rooms...)
}

// Leave takes clients of the other servers out of rooms.
func (c *Cluster) Leave(namespace string, who fanout.Selection, rooms []string) {
	c.move(nodewire.RemoteLeave, namespace, who, rooms)
	c.moveOnQueue(flaskqueue.LeaveRoom, namespace, who, rooms...)
}

func (c *Cluster) move(how nodewire.RequestType, namespace string, who fanout.Selection, rooms []string) {
	for some := range slices.Chunk(rooms, nodewire.MaxRooms) {
		c.tell(namespace, &nodewire.Request{Type: how, HasTarget: true, Target: there(who), Rooms: some})
	}
}

// Disconnect disconnects clients of the other servers.
func (c *Cluster) Disconnect(namespace string, who fanout.Selection, closing bool) {
	c.tell(namespace, &nodewire.Request{
		Type: nodewire.RemoteDisconnect, HasTarget: true, Target: there(who), Close: closing,
	})
	c.moveOnQueue(flaskqueue.Disconnect, namespace, who, "")
}

// ServerSideEmit sends an event to the other servers.
func (c *Cluster) ServerSideEmit(namespace string, e fanout.Event) error {
	args, err := valuesOf(e)
	if err != nil {
		return err
	}
	return c.request(namespace, &nodewire.Request{Type: nodewire.ServerSideEmit, Event: e.Name, Args: args}, true)
}

// CallServers sends an event to the other servers and collects their answers.
func (c *Cluster) CallServers(ctx context.Context, namespace string, e fanout.Event) ([]packet.Value, error) {
	args, err := valuesOf(e)
	if err != nil {
		return nil, err
	}
	var answers []packet.Value
	r := &nodewire.Request{Type: nodewire.ServerSideEmit, Event: e.Name, Args: args}
	err = c.ask(ctx, namespace, r, func(others int, a *nodewire.Response) bool {
		answers = append(answers, a.Data)
		return len(answers) >= others
	})
	return answers, err
}

// errAway is why nobody can be asked.
var errAway = errors.New("the other servers cannot be asked: Redis is away")

// countOthers counts the other servers that know the namespace.
func (c *Cluster) countOthers(ctx context.Context, namespace string) (int, error) {
	if c.health.err() != nil {
		return 0, errAway
	}
	n, err := c.link.Subscribers(ctx, c.questions(namespace))
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errAway, err)
	}
	return n - 1, nil
}

// ask publishes a request and hands each answer to fn, one at a time, until that returns true, or
// ctx ends. There is no answer when there is no other server.
func (c *Cluster) ask(ctx context.Context, namespace string, r *nodewire.Request,
	fn func(servers int, answer *nodewire.Response) (done bool)) error {
	others, err := c.countOthers(ctx, namespace)
	if err != nil || others <= 0 {
		return err
	}
	return c.await(ctx, namespace, r, func(answer *nodewire.Response) bool { return fn(others, answer) })
}

// await is ask where there are other servers. Once it has returned, fn is not called.
func (c *Cluster) await(ctx context.Context, namespace string, r *nodewire.Request, fn func(*nodewire.Response) (done bool)) error {
	r.RequestID = rand.Text()[:16]
	done := make(chan struct{})
	over := false
	remove := c.asked.add(r.RequestID, func(answer *nodewire.Response) {
		if !over && fn(answer) {
			over = true
			close(done)
		}
	})
	defer remove()
	if err := c.request(namespace, r, true); err != nil {
		return err
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Call sends an event to clients of the other servers and waits for their acknowledgements.
func (c *Cluster) Call(ctx context.Context, namespace string, e fanout.Event, to fanout.Selection,
	answer func(fanout.Answer)) error {
	args, err := valuesOf(e)
	if err != nil {
		return err
	}
	c.emitToQueue(namespace, e.Name, args, to) // which knows no answers
	r := &nodewire.Request{
		Type: nodewire.BroadcastWithAck, HasTarget: true, Target: there(to),
		Namespace: namespace, Event: e.Name, Args: args, Flags: flags(to),
	}
	if deadline, ok := ctx.Deadline(); ok {
		r.Flags.Timeout = time.Until(deadline).Truncate(time.Millisecond)
	}
	servers, clients, acks := 0, 0, 0
	return c.ask(ctx, namespace, r, func(others int, a *nodewire.Response) bool {
		switch a.Type {
		case nodewire.BroadcastClientCount:
			servers++
			clients += a.ClientCount
		case nodewire.BroadcastAck:
			acks++
			answer(answerOf(a))
		}
		return servers >= others && acks >= clients
	})
}
