package socketiotest

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"hipflask/server/internal/packet"
	"hipflask/server/socketio"
)

// Client is a client of one namespace. Its methods fail the test when something does not happen in
// time, and are therefore for the test's own goroutine.
type Client struct {
	t         testing.TB
	conn      *conn
	namespace string
	timeout   time.Duration

	mu      sync.Mutex
	id      string  // set once the server has accepted the client
	pid     string  // the key to its session; empty without recovery
	offset  string  // of the last event, with recovery
	over    error   // why nothing more will come; nil while connected
	events  []Event // received and not yet taken
	nextID  uint64  // of an event that wants an acknowledgement
	acks    map[uint64]chan []Value
	changed chan struct{} // closed and replaced with every change
}

// errDisconnected is the server's DISCONNECT packet.
var errDisconnected = errors.New("the server disconnected the client")

// Dial connects a client, like [Connect], and returns a *[RefusedError] if the server refuses it.
func Dial(t testing.TB, s *socketio.Server, opts Options) (*Client, error) {
	t.Helper()
	c := &Client{
		t:         t,
		namespace: cmp.Or(opts.Namespace, "/"),
		timeout:   opts.Timeout,
		acks:      make(map[uint64]chan []Value),
		changed:   make(chan struct{}),
	}
	if c.timeout <= 0 {
		c.timeout = DefaultTimeout
	}
	hello, err := packet.AppendConnect(nil, c.namespace, opts.Auth)
	if err != nil {
		return nil, fmt.Errorf("auth: %w", err)
	}
	if opts.Over != nil {
		c.conn = opts.Over.conn
	} else {
		if c.conn, err = open(s, opts, c.timeout); err != nil {
			return nil, err
		}
		t.Cleanup(c.conn.close)
	}
	if err := c.conn.add(c); err != nil {
		return nil, err
	}
	if err := c.conn.message(hello, nil); err != nil {
		return nil, err
	}
	if !c.await(func() bool { return c.id != "" || c.over != nil }) {
		return nil, fmt.Errorf("CONNECT was not answered within %v", c.timeout)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.id == "" {
		return nil, c.over
	}
	return c, nil
}

// ID is the client's session id, which handlers see as Context.ID.
func (c *Client) ID() string { return c.id }

// Key is the auth payload with which another client comes back to the session that this one has, as
// a JavaScript client does that was cut off, and is sent what this one has not received by now. The
// server needs [socketio.Options].Recovery; the last argument of its events is then an offset.
func (c *Client) Key() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := map[string]string{"pid": c.pid}
	if c.offset != "" {
		key["offset"] = c.offset
	}
	return key
}

// Emit sends an event. An argument is []byte, or anything that JSON can write; []byte inside it
// travels as binary. Emit may return before the handler has run.
func (c *Client) Emit(event string, args ...any) {
	c.t.Helper()
	c.send(event, 0, false, args)
}

// Call sends an event and waits for its acknowledgement. An event whose handler fails is never
// acknowledged; see the test's log for why.
func (c *Client) Call(event string, args ...any) []Value {
	c.t.Helper()
	answer := c.Start(event, args...)
	timer := time.NewTimer(c.timeout)
	defer timer.Stop()
	select {
	case values, ok := <-answer:
		if !ok {
			c.t.Fatalf("socketiotest: %q was not acknowledged: %v", event, c.reason())
		}
		return values
	case <-timer.C:
		c.t.Fatalf("socketiotest: %q was not acknowledged within %v", event, c.timeout)
	}
	return nil
}

// Start is Call without the wait: the acknowledgement comes through the channel, which is closed
// when the client is disconnected.
func (c *Client) Start(event string, args ...any) <-chan []Value {
	c.t.Helper()
	answer := make(chan []Value, 1)
	c.mu.Lock()
	if c.over != nil {
		close(answer)
		c.mu.Unlock()
		return answer
	}
	id := c.nextID
	c.nextID++
	c.acks[id] = answer
	c.mu.Unlock()
	c.send(event, id, true, args)
	return answer
}

func (c *Client) send(event string, id uint64, wantsAck bool, args []any) {
	c.t.Helper()
	text, attachments, err := packet.AppendEvent(nil, c.namespace, event, id, wantsAck, args)
	if err = c.post(text, attachments, err); err != nil {
		c.t.Fatalf("socketiotest: %q was not sent: %v", event, err)
	}
}

// post sends a packet that was written without an error.
func (c *Client) post(text []byte, attachments [][]byte, err error) error {
	if err == nil {
		err = c.conn.message(text, attachments)
	}
	return err
}

// Receive waits for the next event of this name and takes it. Events of other names stay for their
// own Receive.
func (c *Client) Receive(event string) Event {
	c.t.Helper()
	return c.next(fmt.Sprintf("event %q", event), func(e Event) bool { return e.Name == event })
}

// Next waits for the next event, whatever its name, and takes it.
func (c *Client) Next() Event {
	c.t.Helper()
	return c.next("event", func(Event) bool { return true })
}

func (c *Client) next(what string, wanted func(Event) bool) Event {
	c.t.Helper()
	i := -1
	inTime := c.await(func() bool {
		i = slices.IndexFunc(c.events, wanted)
		return i >= 0 || c.over != nil
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !inTime:
		c.t.Fatalf("socketiotest: no %s within %v; waiting are %v", what, c.timeout, c.events)
	case i < 0:
		c.t.Fatalf("socketiotest: no %s: %v; waiting are %v", what, c.over, c.events)
	}
	e := c.events[i]
	c.events = slices.Delete(c.events, i, i+1)
	return e
}

// Received takes all events that have come and were not taken, and does not wait. After a Call they
// include everything that its handler sent to this client.
func (c *Client) Received() []Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.events
	c.events = nil
	return all
}

// Disconnect leaves the namespace, as a JavaScript client's disconnect does. The disconnect handler
// gets "client disconnect" and may still run when it returns.
func (c *Client) Disconnect() {
	c.t.Helper()
	if !c.isConnected() {
		return
	}
	bye, err := packet.AppendDisconnect(nil, c.namespace)
	if err = c.post(bye, nil, err); err != nil {
		c.t.Fatalf("socketiotest: Disconnect: %v", err)
	}
	c.lost(errors.New("the client has disconnected"))
}

// Drop cuts the connection, as a lost network does, for all clients that share it. The disconnect
// handler gets "transport close" and may still run when it returns.
func (c *Client) Drop() { c.conn.drop() }

// AwaitDisconnect waits until the server disconnects the client.
func (c *Client) AwaitDisconnect() {
	c.t.Helper()
	if !c.await(func() bool { return c.over != nil }) {
		c.t.Fatalf("socketiotest: the server did not disconnect the client within %v", c.timeout)
	}
}

// take handles a packet for this client's namespace.
func (c *Client) take(p *packet.Packet) {
	switch p.Type {
	case packet.Connect:
		var told struct{ SID, PID string }
		_ = json.Unmarshal(p.Data, &told) // without an id the client is not connected
		c.change(func() { c.id, c.pid = told.SID, told.PID })
	case packet.ConnectError:
		if !c.isConnected() {
			c.lost(refusal(p.Data))
		}
	case packet.Disconnect:
		c.lost(errDisconnected)
	case packet.Event:
		e := Event{Name: p.Event, Args: values(p.Args)}
		if p.HasID {
			e.reply = func(args []any) { c.acknowledge(p.ID, args) }
		}
		c.change(func() {
			if c.id == "" && c.over == nil {
				c.over = fmt.Errorf("the server sent %s before it answered CONNECT", e)
			}
			if n := len(p.Args); n > 0 && c.pid != "" && !p.HasID {
				c.offset, _ = p.Args[n-1].Text()
			}
			c.events = append(c.events, e)
		})
	case packet.Ack:
		c.mu.Lock()
		answer := c.acks[p.ID]
		delete(c.acks, p.ID)
		c.mu.Unlock()
		if answer != nil {
			answer <- values(p.Args)
		}
	}
}

func (c *Client) acknowledge(id uint64, args []any) {
	c.t.Helper()
	if err := c.post(packet.AppendAck(nil, c.namespace, id, args)); err != nil {
		c.t.Fatalf("socketiotest: the acknowledgement was not sent: %v", err)
	}
}

// lost notes that nothing more will come.
func (c *Client) lost(err error) {
	c.change(func() {
		if c.over != nil {
			return
		}
		c.over = err
		for _, answer := range c.acks {
			close(answer)
		}
		c.acks = make(map[uint64]chan []Value)
	})
}

func (c *Client) change(how func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	how()
	close(c.changed)
	c.changed = make(chan struct{})
}

// await waits until condition, which is called with the mutex held, is true. It returns false when
// the time is up.
func (c *Client) await(condition func() bool) bool {
	timer := time.NewTimer(c.timeout)
	defer timer.Stop()
	for {
		c.mu.Lock()
		holds, changed := condition(), c.changed
		c.mu.Unlock()
		if holds {
			return true
		}
		select {
		case <-changed:
		case <-timer.C:
			return false
		}
	}
}

func (c *Client) isConnected() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.id != "" && c.over == nil
}

func (c *Client) reason() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.over
}

// DefaultTimeout is how long a client waits where its [Options] say nothing.
const DefaultTimeout = 15 * time.Second

// Options says how a [Client] connects. The zero value connects to "/" with nothing special.
type Options struct {
	Namespace string        // "/" if empty
	Auth      any           // the auth payload, written as a JSON object; nil for none
	Header    http.Header   // of every request: cookies, an Origin
	Query     url.Values    // of the URL, beside the protocol's own
	Timeout   time.Duration // how long anything may take; [DefaultTimeout] if 0

	// Over, if not nil, is a client whose connection this one shares: as in JavaScript, where the
	// namespaces of one page do. Header and Query are then those of that client.
	Over *Client
}
