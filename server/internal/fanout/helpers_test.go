package fanout

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"hipflask/server/internal/engineio"
	"hipflask/testdata/testkit"
)

// world is the adapter of the namespace "/" on an engine. Its clients poll, by requests
// that never leave the process: a poll returns at once what waits for the client, and
// nothing waits that was not sent.
type world struct {
	t       testing.TB
	engine  *engineio.Server
	adapter *Adapter
	opened  chan *engineio.Session
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return newWorldWith(t, Config{}, 1<<30)
}

func newWorldWith(t testing.TB, c Config, backlog int) *world {
	t.Helper()
	w := &world{t: t, opened: make(chan *engineio.Session, 1)}
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
	c.Engine = w.engine
	w.adapter = New("/", c)
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

// client is one client of the world, and its handlers' part.
type client struct {
	*Member

	w       *world
	query   string
	session *engineio.Session
	id      string
	left    bool
}

// Disconnect does what the library would.
func (c *client) Disconnect() {
	msg, err := EncodeDisconnect("/")
	if err != nil {
		c.w.t.Error(err)
	}
	c.session.Send(msg)
	c.left = true
	c.w.adapter.Remove(c.id)
}

func (c *client) Close() {
	c.Disconnect()
	c.session.Close(engineio.ServerClose)
}

// introduced connects a client as far as its admission.
func (w *world) introduced() *client {
	w.t.Helper()
	c := &client{w: w, query: "EIO=4&transport=polling"}
	c.poll()
	c.introduce(testkit.Await(w.t, w.opened, "session"))
	c.query += "&sid=" + c.session.ID()
	return c
}

func (c *client) introduce(session *engineio.Session) {
	c.session, c.id = session, "id of "+session.Name()
	c.Member = c.w.adapter.Introduce(c.id, session, c)
	c.Member.Join(c.id)
}

// join connects a client that is admitted and in these rooms.
func (w *world) join(rooms ...string) *client {
	w.t.Helper()
	c := w.introduced()
	c.Admit()
	c.Join(rooms...)
	return c
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

// message is the event "message".
func message(args ...any) Event { return Event{"message", args} }

// everybody, to and without select clients.
var everybody = Selection{}

func to(rooms ...string) Selection { return everybody.To(rooms...) }
