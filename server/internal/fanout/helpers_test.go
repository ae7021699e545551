package fanout

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	eiopacket "github.com/zishang520/engine.io-go-parser/packet"
	"github.com/zishang520/engine.io/v2/engine"
	"github.com/zishang520/engine.io/v2/events"
	"github.com/zishang520/engine.io/v2/transports"
	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io-go-parser/v2/parser"
	"github.com/zishang520/socket.io/v2/socket"

	"hipflask/server/internal/engineio"
)

const patience = 15 * time.Second

// world is the library on an engine of ours, with the adapter of the namespace "/".
// Its clients poll, by requests that never leave the process: a poll returns at once
// what waits for the client, and nothing waits that was not sent.
type world struct {
	t         testing.TB
	engine    *engineio.Server
	io        *socket.Server
	adapter   *Adapter
	opened    chan *engineio.Session
	connected chan *socket.Socket
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return newWorldWith(t, 0, 1<<30)
}

func newWorldWith(t testing.TB, recovery time.Duration, backlog int) *world {
	t.Helper()
	w := &world{t: t, opened: make(chan *engineio.Session, 1), connected: make(chan *socket.Socket, 1)}
	w.engine = engineio.NewServer(engineio.Config{
		Polling:    true,
		WebSocket:  true,
		MaxBacklog: backlog,
		Open: func(s *engineio.Session) engineio.Receiver {
			w.opened <- s
			return ignore{}
		},
	})
	t.Cleanup(func() {
		// Nobody polls any more, so all there is to do is to cut the sessions.
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = w.engine.Shutdown(ctx)
	})
	o := socket.DefaultServerOptions()
	o.SetParser(&Parser{Failed: func(err error) { t.Error("packet not sent:", err) }})
	o.SetAdapter(&Builder{Engine: w.engine, Recovery: recovery})
	w.io = socket.NewServer(nil, o)
	w.io.Bind(&base{})
	nsp := w.io.Of("/", nil)
	w.adapter = nsp.Adapter().(*Adapter)
	nsp.Use(func(s *socket.Socket, next func(*socket.ExtendedError)) {
		w.adapter.Introduce(s, s.Id())
		next(nil)
	})
	_ = nsp.On("connection", func(args ...any) { w.connected <- args[0].(*socket.Socket) })
	return w
}

type ignore struct{}

func (ignore) Text([]byte) error      { return nil }
func (ignore) Binary([]byte) error    { return nil }
func (ignore) Closed(engineio.Reason) {}

// marker ends what a client has received: a poll for it returns.
func marker(t testing.TB) *engineio.Message {
	m, err := engineio.NewMessage(0, func(dst []byte) ([]byte, [][]byte, error) { return append(dst, "marker"...), nil, nil })
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// client is one client of the world.
type client struct {
	w       *world
	query   string
	session *engineio.Session
	sock    *socket.Socket
	id      socket.SocketId
}

// introduced connects a client as far as its admission.
func (w *world) introduced() *client {
	w.t.Helper()
	c := &client{w: w, query: "EIO=4&transport=polling"}
	c.poll()
	c.session = await(w.t, w.opened, "session")
	c.query += "&sid=" + c.session.ID()
	conn := &conn{session: c.session}
	w.io.Engine().Emit("connection", conn)
	conn.data(&parser.Packet{Type: parser.CONNECT, Nsp: "/"})
	c.sock = await(w.t, w.connected, "connection")
	c.id = c.sock.Id()
	if got := c.received(); len(got) != 1 || !strings.HasPrefix(got[0], `40{"sid":`) {
		w.t.Fatalf("CONNECT was answered %q", got)
	}
	return c
}

// join connects a client that is admitted and in these rooms.
func (w *world) join(rooms ...socket.Room) *client {
	w.t.Helper()
	c := w.introduced()
	w.adapter.Admit(c.id)
	c.sock.Join(rooms...)
	return c
}

func await[T any](t testing.TB, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("no %s within %v", what, patience)
		panic("unreachable")
	}
}

func (c *client) poll() string {
	w := httptest.NewRecorder()
	c.w.engine.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/socket.io/?"+c.query, nil))
	return w.Body.String()
}

// received takes what waits for the client, by as many polls as that takes; the marker
// behind it makes each return at once.
func (c *client) received() []string {
	c.w.t.Helper()
	c.session.Send(marker(c.w.t))
	var packets []string
	for len(packets) == 0 || packets[len(packets)-1] != "4marker" {
		got := strings.Split(c.poll(), "\x1e")
		if got[0] == "1" || got[0] == "6" {
			c.w.t.Fatalf("no marker after %d packets", len(packets))
		}
		packets = append(packets, got...)
	}
	return packets[:len(packets)-1]
}

// hears checks all that the client has received: events "message" with these texts.
func (c *client) hears(want ...string) {
	c.w.t.Helper()
	got := c.received()
	for i, text := range want {
		want[i] = fmt.Sprintf(`42["message",%q]`, text)
	}
	if !slices.Equal(got, want) {
		c.w.t.Errorf("received %q, want %q", got, want)
	}
}

// message is a packet of the event "message".
func message(args ...any) *parser.Packet {
	return &parser.Packet{Type: parser.EVENT, Data: append([]any{"message"}, args...)}
}

// to and without select clients.
func to(rooms ...socket.Room) *socket.BroadcastOptions {
	return &socket.BroadcastOptions{Rooms: types.NewSet(rooms...)}
}

func without(o *socket.BroadcastOptions, rooms ...socket.Room) *socket.BroadcastOptions {
	o.Except = types.NewSet(rooms...)
	return o
}

// base is the engine.BaseServer that the library binds to.
type base struct {
	engine.BaseServer

	connected events.Listener
}

func (b *base) On(_ events.EventName, l ...events.Listener) error {
	b.connected = l[0]
	return nil
}

func (b *base) Emit(_ events.EventName, args ...any) { b.connected(args...) }

// conn is the least of an engine.Socket that the library needs.
type conn struct {
	engine.Socket

	session *engineio.Session
	data    events.Listener
	mu      sync.Mutex
	closed  bool
}

func (c *conn) Session() *engineio.Session { return c.session }

// End ends the connection, which has one namespace.
func (c *conn) End(socket.SocketId) { c.session.Close(engineio.ServerClose) }

func (c *conn) On(name events.EventName, l ...events.Listener) error {
	if name == "data" {
		c.data = l[0]
	}
	return nil
}

func (c *conn) Once(events.EventName, ...events.Listener) error       { return nil }
func (c *conn) RemoveListener(events.EventName, events.Listener) bool { return true }
func (c *conn) Id() string                                            { return c.session.ID() }
func (c *conn) Protocol() int                                         { return 4 }
func (c *conn) RemoteAddress() string                                 { return "" }
func (c *conn) Transport() transports.Transport                       { return transport{session: c.session} }
func (c *conn) ReadyState() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return "closed"
	}
	return "open"
}

func (c *conn) Request() *types.HttpContext {
	ctx := types.NewHttpContext(httptest.NewRecorder(), c.session.Request())
	ctx.Flush()
	return ctx
}

func (c *conn) Write(r io.Reader, _ *eiopacket.Options, _ engine.SendCallback) engine.Socket {
	c.session.Send(r.(*Encoded).Message)
	return c
}

func (c *conn) Close(bool) {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.session.Close(engineio.ServerClose)
}

type transport struct {
	transports.Transport

	session *engineio.Session
}

func (t transport) Writable() bool { return t.session.Writable() }
