package socketio_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hipflask/server/socketio"
	"hipflask/server/socketio/socketiotest"
	"hipflask/testdata/testkit"
)

// diary notes what handlers see.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) note(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
}

func (d *diary) take() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	lines := d.lines
	d.lines = nil
	return lines
}

// recovering makes a server with recovery whose handlers note what they see.
func recovering(t *testing.T) (*socketio.Server, *diary) {
	t.Helper()
	return recoveringWith(t, socketio.Options{Recovery: time.Minute})
}

func recoveringWith(t *testing.T, opts socketio.Options) (*socketio.Server, *diary) {
	t.Helper()
	s := socketiotest.NewServer(t, opts)
	seen := new(diary)
	register(t, s.Namespace, map[string]any{
		"connect":    func(c *socketio.Context) { seen.note("connect, recovered: %v", c.Recovered()) },
		"disconnect": func(reason string) { seen.note("disconnect: %s", reason) },
		"join":       func(c *socketio.Context, room string) { c.Join(room) },
		"leave":      func(c *socketio.Context, room string) { c.Leave(room) },
		"set":        func(c *socketio.Context, v string) { c.Set("v", v) },
		"get":        func(c *socketio.Context) any { return c.Get("v") },
		"rooms":      func(c *socketio.Context) []string { return slices.Sorted(slices.Values(c.Rooms())) },
	})
	return s, seen
}

// back connects a client to the session that the key is for.
func back(t *testing.T, s *socketio.Server, key map[string]string) *socketiotest.Client {
	t.Helper()
	return socketiotest.Connect(t, s, socketiotest.Options{Auth: key})
}

// texts takes the first argument of each event that a client has received by now.
func texts(t *testing.T, c *socketiotest.Client) []string {
	t.Helper()
	c.Call("rooms") // whatever was sent before has come with its answer
	list := []string{}
	for _, e := range c.Received() {
		var text string
		if err := e.Args[0].Decode(&text); err != nil {
			t.Fatalf("received %s", e)
		}
		list = append(list, text)
	}
	return list
}

func emit(t *testing.T, to interface {
	Emit(string, ...any) error
}, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if err := to.Emit("e", text); err != nil {
			t.Fatal(err)
		}
	}
}

func same(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// roomsOf is what the event "rooms" is answered with.
func roomsOf(c *socketiotest.Client, rooms ...string) string {
	rooms = append(rooms, c.ID())
	slices.Sort(rooms)
	list, _ := json.Marshal(rooms) // strings always marshal
	return string(list)
}

// The server has not noticed that the old connection is gone: it is ended, and its
// disconnect handler has run before the client is back.
func TestComingBackBeforeTheEndWasNoticed(t *testing.T) {
	s, seen := recovering(t)
	old := join(t, s)
	old.Call("join", "room")
	old.Call("set", "kept")
	emit(t, s, "a")
	same(t, "before", texts(t, old), "a")

	c := back(t, s, old.Key())
	emit(t, s.To("room"), "b")
	old.AwaitDisconnect()
	same(t, "handlers", seen.take(), "connect, recovered: false", "disconnect: transport close", "connect, recovered: true")
	same(t, "after", texts(t, c), "b")
	if got := old.Received(); len(got) > 0 {
		t.Errorf("the old connection received %v", got)
	}
	if c.ID() != old.ID() {
		t.Errorf("the client came back as %s, it was %s", c.ID(), old.ID())
	}
	answers(t, c.Call("get"), `"kept"`)
	answers(t, c.Call("rooms"), roomsOf(c, "room"))
	if n := len(s.To().Clients()); n != 1 {
		t.Errorf("%d clients, want 1", n)
	}
}

// A handler of the old connection is still busy: what the client sent is handled first.
func TestComingBackWaitsForHandlers(t *testing.T) {
	s, seen := recovering(t)
	busy, goOn := make(chan struct{}), make(chan struct{})
	register(t, s.Namespace, map[string]any{
		"slow": func(c *socketio.Context) { close(busy); <-goOn; seen.note("slow is done"); c.Set("v", "late") },
	})
	old := join(t, s)
	old.Emit("slow")
	testkit.Await(t, busy, "slow handler")
	key := old.Key()
	old.Drop()
	emit(t, s, "while it is away")
	time.AfterFunc(10*time.Millisecond, func() { close(goOn) }) // whether it waits by then or not
	c := back(t, s, key)
	same(t, "handlers", seen.take(), "connect, recovered: false", "slow is done", "disconnect: transport close", "connect, recovered: true")
	answers(t, c.Call("get"), `"late"`)
	same(t, "missed", texts(t, c), "while it is away")
}

// Cut again and again, also before it has heard anything, and in all the ways in which
// a room can be entered and left: it hears what it would have heard.
func TestMissedAreThoseThatWereMeant(t *testing.T) {
	s, _ := recovering(t)
	emit(t, s, "before it came")
	c := join(t, s)
	c.Drop()
	emit(t, s, "to all")
	c = back(t, s, c.Key())
	same(t, "it had heard nothing", texts(t, c), "to all")

	other := join(t, s)
	emit(t, s.To("room"), "before it was in the room")
	c.Call("join", "room")
	other.Call("join", "room")
	id := c.ID()
	c.Drop()
	emit(t, s.To("room"), "in the room")
	emit(t, s.To(id), "to it")
	emit(t, s.Except(id), "not to it")
	emit(t, s.To(other.ID()), "to the other")
	emit(t, s.To("room").Except("room"), "to nobody")
	c = back(t, s, c.Key())
	same(t, "cut off in a room", texts(t, c), "in the room", "to it")

	// It is sent this, and cut off before it reads it.
	stale := c.Key()
	emit(t, s.To("room"), "last in the room")
	c.Call("leave", "room")
	emit(t, s.To("room"), "after it left")
	c.Call("join", "room")
	emit(t, s.Except("room"), "to those outside")
	emit(t, s.To("room"), "in it again")
	c.Drop()
	c = back(t, s, stale)
	same(t, "cut off after leaving", texts(t, c), "last in the room", "in it again")
	same(t, "the other", texts(t, other), "in the room", "not to it", "to the other", "last in the room", "after it left", "in it again")
}

// A handler of the old connection does not end: the client is a new one then.
func TestComingBackDoesNotWaitForEver(t *testing.T) {
	s, seen := recoveringWith(t, socketio.Options{Recovery: time.Minute, ConnectTimeout: time.Second})
	busy, goOn, over := make(chan struct{}), make(chan struct{}), make(chan struct{}, 8)
	register(t, s.Namespace, map[string]any{
		"slow":       func() { close(busy); <-goOn },
		"disconnect": func(reason string) { seen.note("disconnect: %s", reason); over <- struct{}{} },
	})
	old := join(t, s)
	old.Emit("slow")
	testkit.Await(t, busy, "slow handler")
	c := back(t, s, old.Key())
	if c.ID() == old.ID() {
		t.Error("two clients have one id")
	}
	same(t, "handlers", seen.take(), "connect, recovered: false", "connect, recovered: false")
	close(goOn)
	testkit.Await(t, over, "disconnect handler")
	if again := back(t, s, old.Key()); again.ID() != old.ID() { // now it can have it
		t.Error("the old session is lost")
	}
}

// The time for CONNECT is over as the wait for the old connection has just ended, when the
// client is nothing yet. It is connected all the same.
func TestTimeForConnectEndsAsTheWaitDoes(t *testing.T) {
	const timeout = 500 * time.Millisecond
	s := socketiotest.NewServer(t, socketio.Options{Recovery: time.Minute, ConnectTimeout: timeout})
	var slow atomic.Bool              // the decision about the namespace
	n := s.OfFunc(func(string) bool { // asked then, as nobody has registered for "/"
		if slow.Load() {
			time.Sleep(2 * timeout) // until the time for CONNECT is over
		}
		return true
	})
	busy := make(chan struct{})
	register(t, n, map[string]any{
		"wait": func(c *socketio.Context) { close(busy); <-c.Context().Done() },
		"echo": func(text string) string { return text },
	})
	old := join(t, s)
	old.Emit("wait")
	testkit.Await(t, busy, "handler")
	slow.Store(true)
	c := back(t, s, old.Key())
	if c.ID() != old.ID() {
		t.Error("it is another client")
	}
	answers(t, c.Call("echo", "here"), `"here"`)
}

// Somebody who has the key has the session, and of several at once one at a time.
func TestComingBackTwiceAtOnce(t *testing.T) {
	s, seen := recovering(t)
	old := join(t, s)
	old.Call("set", "kept")
	old.Drop()
	emit(t, s, "missed")
	key := old.Key()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() { _, _ = socketiotest.Dial(t, s, socketiotest.Options{Auth: key}) })
	}
	all.Wait()
	last := back(t, s, key)
	if last.ID() != old.ID() {
		t.Error("the session is lost")
	}
	same(t, "missed", texts(t, last), "missed")
	answers(t, last.Call("get"), `"kept"`)
	connected := 0
	for _, line := range seen.take() {
		if line == "disconnect: transport close" {
			connected--
		} else if connected++; connected > 1 {
			t.Error("two clients were in one session")
		}
	}
}

func TestWhoDoesNotGetASession(t *testing.T) {
	s, _ := recovering(t)
	s.Of("/other")
	left, kicked, gone := join(t, s), join(t, s), join(t, s)
	emit(t, s, "an offset for each")
	for _, c := range []*socketiotest.Client{left, kicked, gone} {
		c.Receive("e")
	}
	left.Disconnect()
	s.To(kicked.ID()).Disconnect()
	kicked.AwaitDisconnect()
	gone.Drop()
	garbled := gone.Key()
	garbled["offset"] = "a text that came last"
	for name, auth := range map[string]any{
		"left by itself": left.Key(), "disconnected": kicked.Key(), "unknown": map[string]string{"pid": "x"},
		"no text": map[string]any{"pid": 1, "offset": []int{}}, "no offset": garbled,
	} {
		c := socketiotest.Connect(t, s, socketiotest.Options{Auth: auth})
		if c.ID() == left.ID() || c.ID() == kicked.ID() || c.ID() == gone.ID() {
			t.Errorf("%s: got a session back", name)
		}
	}
	alive := join(t, s)
	socketiotest.Connect(t, s, socketiotest.Options{Namespace: "/other", Auth: alive.Key()})
	alive.Call("rooms") // it has not lost its session to one of another namespace
}

// With the offset of an earlier session, here or on another server, a client says that
// it has seen nothing of this one.
func TestOffsetOfAnEarlierSession(t *testing.T) {
	elsewhere, _ := recovering(t)
	s, _ := recovering(t)
	for _, server := range []*socketio.Server{elsewhere, s} {
		first := join(t, server)
		emit(t, server, slices.Repeat([]string{"x"}, 10)...)
		texts(t, first)
		offset := first.Key()["offset"]
		first.Drop()

		emit(t, s, "before it came")
		c := join(t, s)
		emit(t, s, "y")
		c.Receive("e")
		key := c.Key()
		c.Drop()
		emit(t, s, "z")
		key["offset"] = offset
		same(t, "missed", texts(t, back(t, s, key)), "y", "z")
	}
}

// What one namespace kept, and what another has set before it was back.
func TestValuesOfAllNamespacesComeBack(t *testing.T) {
	s, _ := recovering(t)
	other := s.Of("/other")
	register(t, other, map[string]any{
		"connect": func(c *socketio.Context) {
			if !c.Recovered() {
				c.Set("n", "new")
			}
		},
		"get": func(c *socketio.Context) (any, any) { return c.Get("v"), c.Get("n") },
	})
	old := join(t, s)
	old.Call("set", "kept")
	key := old.Key()
	old.Drop()
	c := socketiotest.Connect(t, s, socketiotest.Options{Namespace: "/other"})
	socketiotest.Connect(t, s, socketiotest.Options{Auth: key, Over: c})
	answers(t, c.Call("get"), `"kept"`, `"new"`)
}

// So much happens while it comes back that it has to come once more: nothing is lost.
func TestMuchHappensWhileAClientComesBack(t *testing.T) {
	const many = 3000
	s := socketiotest.NewServer(t, socketio.Options{Recovery: time.Minute})
	held, goOn := make(chan struct{}, 1), make(chan struct{})
	register(t, s.Namespace, map[string]any{
		"connect": func(c *socketio.Context) {
			if c.Recovered() {
				select {
				case held <- struct{}{}:
					<-goOn
				default: // the second time
				}
			}
		},
		"rooms": func() {},
	})
	c := join(t, s)
	emit(t, s, "first")
	c.Receive("e")
	key := c.Key()
	c.Drop()
	dialed := make(chan *socketiotest.Client, 1)
	go func() {
		c, _ := socketiotest.Dial(t, s, socketiotest.Options{Auth: key})
		dialed <- c
	}()
	testkit.Await(t, held, "connect handler")
	held <- struct{}{}
	var want []string
	for i := range many {
		want = append(want, fmt.Sprint(i))
	}
	emit(t, s, want...)
	close(goOn)
	if c := testkit.Await(t, dialed, "client"); c != nil {
		c.AwaitDisconnect()
		if got := c.Received(); len(got) > 0 {
			t.Errorf("received %d events on the way", len(got))
		}
	}
	same(t, "missed", texts(t, back(t, s, key)), want...)
}

// What a client missed may be more than may wait for one that reads slowly.
func TestMissedIsNoBacklog(t *testing.T) {
	s := socketiotest.NewServer(t, socketio.Options{Recovery: time.Minute, MaxBacklog: 1000})
	register(t, s.Namespace, map[string]any{"rooms": func() {}})
	c := join(t, s)
	key := c.Key()
	c.Drop()
	emit(t, s, slices.Repeat([]string{strings.Repeat("x", 100)}, 100)...)
	if got := texts(t, back(t, s, key)); len(got) != 100 {
		t.Errorf("%d events, want 100", len(got))
	}
}
