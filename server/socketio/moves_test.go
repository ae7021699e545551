package socketio_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"hipflask/server/socketio"
	"hipflask/server/socketio/socketiotest"
	"hipflask/testdata/testkit"
)

// stay is a client in a room.
type stay struct{ id, room string }

// attendance is what listeners were told: who is where. It finds a join of who is there
// already, and a leave of who is not.
type attendance struct {
	mu     sync.Mutex
	now    map[stay]bool
	faults []string
	more   chan struct{} // something was told
}

func attend(n *socketio.Namespace) *attendance {
	a := &attendance{now: make(map[stay]bool), more: make(chan struct{}, 1)}
	n.OnJoin(func(c *socketio.Context, room string) { a.tell(stay{c.ID(), room}, true) })
	n.OnLeave(func(c *socketio.Context, room string) { a.tell(stay{c.ID(), room}, false) })
	return a
}

func (a *attendance) tell(s stay, in bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.now[s] == in {
		a.faults = append(a.faults, fmt.Sprintf("%v told twice: %v", s, in))
	}
	if a.now[s] = in; !in {
		delete(a.now, s)
	}
	select {
	case a.more <- struct{}{}:
	default:
	}
}

// becomes waits until what was told is what is.
func (a *attendance) becomes(t *testing.T, what func() map[stay]bool) {
	t.Helper()
	for {
		want := what()
		a.mu.Lock()
		got, faults := fmt.Sprint(a.now), slices.Clone(a.faults)
		a.mu.Unlock()
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		if got == fmt.Sprint(want) {
			return
		}
		testkit.Await(t, a.more, "word of a join or leave")
	}
}

// there is who is where now.
func there(t *testing.T, n *socketio.Namespace) map[stay]bool {
	all, err := n.To().Sockets(limit(t))
	if err != nil {
		t.Fatal(err)
	}
	now := make(map[stay]bool)
	for _, s := range all {
		for _, room := range s.Rooms {
			now[stay{s.ID, room}] = true
		}
	}
	return now
}

func TestJoinsAndLeavesAreTold(t *testing.T) {
	told := make(chan string, 100)
	s := serve(t, map[string]any{
		"connect": func(c *socketio.Context, auth struct{ Name string }) error {
			c.SetData("name", auth.Name)
			if auth.Name == "" {
				return socketio.Refuse("no name")
			}
			return nil
		},
		"enter": func(c *socketio.Context, rooms ...string) { c.Join(rooms...) },
		"exit":  func(c *socketio.Context, room string) { c.Leave(room) },
	})
	tell := func(what string) func(*socketio.Context, string) {
		return func(c *socketio.Context, room string) {
			if room == c.ID() {
				room = "own"
			}
			told <- fmt.Sprint(c.Data("name"), " ", what, " ", room)
		}
	}
	s.OnJoin(tell("joins"))
	s.OnLeave(tell("leaves"))
	c := socketiotest.Connect(t, s, socketiotest.Options{Auth: map[string]string{"Name": "Ann"}})
	c.Call("enter", "a", "b", "a")
	c.Call("exit", "a")
	c.Call("exit", "nowhere")
	s.To(c.ID()).Join("c")
	c.Disconnect()
	var got []string
	for range 8 {
		got = append(got, testkit.Await(t, told, "word"))
	}
	// The own room is joined before the connect handler runs, and told beside it.
	if got[0] == "<nil> joins own" {
		got[0] = "Ann joins own"
	}
	slices.Sort(got[5:])
	want := []string{"Ann joins own", "Ann joins a", "Ann joins b", "Ann leaves a", "Ann joins c", "Ann leaves b", "Ann leaves c", "Ann leaves own"}
	if !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
	if _, err := socketiotest.Dial(t, s, socketiotest.Options{Auth: map[string]string{"Name": ""}}); err == nil {
		t.Error("not refused")
	}
	for range 2 { // it came and went
		testkit.Await(t, told, "word")
	}
	s.OnJoin(nil)
	s.OnLeave(nil)
	socketiotest.Connect(t, s, socketiotest.Options{Auth: map[string]string{"Name": "Bob"}}).Call("enter", "a")
	if len(told) > 0 {
		t.Errorf("told %q after the listeners were taken away", <-told)
	}
}

// Whoever joins, leaves, comes and goes at once, from inside and outside: each is told by
// turns, and in the end what was told is what is.
func TestListenersKnowWhoIsWhere(t *testing.T) {
	s := serve(t, map[string]any{
		"enter": func(c *socketio.Context, room string) { c.Join(room) },
		"exit":  func(c *socketio.Context, room string) { c.Leave(room) },
	})
	told := attend(s.Namespace)
	rooms := []string{"a", "b", "c"}
	room := func() string { return rooms[rand.IntN(len(rooms))] }
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 5 {
				c, err := socketiotest.Dial(t, s, socketiotest.Options{})
				if err != nil {
					t.Error(err)
					return
				}
				for range 10 {
					c.Emit([]string{"enter", "exit"}[rand.IntN(2)], room())
				}
				switch rand.IntN(3) {
				case 0:
					c.Drop()
				case 1:
					c.Disconnect()
				}
			}
		})
	}
	for range 4 {
		all.Go(func() {
			for range 100 {
				s.To(room()).Leave(room())
				s.To().Join(room())
				s.CloseRoom(room())
			}
		})
	}
	all.Wait()
	told.becomes(t, func() map[stay]bool { return there(t, s.Namespace) })
}

// A listener may do what a handler may, and holds nobody up.
func TestListenerThatActs(t *testing.T) {
	s := serve(t, map[string]any{"enter": func(c *socketio.Context, room string) { c.Join(room) }})
	answered := make(chan string, 10)
	s.OnJoin(func(c *socketio.Context, room string) {
		switch room {
		case "hall":
			answer, err := c.Call(limit(t), "who") // which waits for the client
			answered <- fmt.Sprint(show(answer), err)
			c.Join("room")
			c.Leave("hall")
			_ = c.To("room").Emit("came", c.ID())
			_ = s.Emit("end")
		case "panic":
			panic("a listener's")
		}
	})
	left := make(chan string, 10)
	s.OnLeave(func(c *socketio.Context, room string) {
		left <- room
		if room == "hall" {
			c.Disconnect()
		}
	})
	c := join(t, s)
	c.Call("enter", "panic")
	c.Call("enter", "hall") // acknowledged while the listener waits
	c.Receive("who").Ack("Ann")
	if got := testkit.Await(t, answered, "answer"); got != "[Ann]<nil>" {
		t.Errorf("answered %s", got)
	}
	hears(t, c, fmt.Sprintf("came [%q]", c.ID()), "end []")
	c.AwaitDisconnect()
	var got []string
	for range 4 {
		got = append(got, testkit.Await(t, left, "leave"))
	}
	slices.Sort(got)
	want := []string{c.ID(), "hall", "panic", "room"}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("left %q, want %q", got, want)
	}
}

// However much happens while a listener stands still, what waits for it is bounded by who
// is there; and it still learns what is.
func TestListenerThatStandsStill(t *testing.T) {
	s := serve(t, nil)
	c := join(t, s)
	s.To(c.ID()).Join("kept")
	stands, standing := make(chan struct{}), make(chan struct{}, 1)
	told := attend(s.Namespace)
	s.OnJoin(func(c *socketio.Context, room string) {
		if room == "first" {
			standing <- struct{}{}
			<-stands
			return
		}
		told.tell(stay{c.ID(), room}, true)
	})
	s.To(c.ID()).Join("first")
	testkit.Await(t, standing, "listener")
	for range 50_000 {
		s.To(c.ID()).Join("often")
		s.To(c.ID()).Leave("often")
	}
	s.To(c.ID()).Join("last")
	if n := s.Untold(); n > 5000 {
		t.Errorf("%d joins and leaves wait", n)
	}
	close(stands)
	told.becomes(t, func() map[stay]bool { return map[stay]bool{{c.ID(), "last"}: true} })
}

// Namespaces that clients bring into being have the listeners of what stands for them.
func TestListenersOfNamespacesThatClientsMake(t *testing.T) {
	s := serve(t, nil)
	told := make(chan string, 10)
	s.Of("*").OnJoin(func(c *socketio.Context, room string) { told <- c.Namespace() + " " + room })
	if err := s.Of("*").On("enter", func(c *socketio.Context, room string) { c.Join(room) }); err != nil {
		t.Fatal(err)
	}
	c := joinAs(t, s, "/new")
	c.Call("enter", "a")
	for _, want := range []string{"/new " + c.ID(), "/new a"} {
		if got := testkit.Await(t, told, "word"); got != want {
			t.Errorf("told %q, want %q", got, want)
		}
	}
}

// The end of the server waits until its listeners know of it.
func TestLeavesAreToldAtTheEnd(t *testing.T) {
	s := serve(t, nil)
	told := attend(s.Namespace)
	for range 5 {
		join(t, s)
	}
	told.becomes(t, func() map[stay]bool { return there(t, s.Namespace) })
	if err := s.Shutdown(limit(t)); err != nil {
		t.Fatal(err)
	}
	told.mu.Lock()
	defer told.mu.Unlock()
	if len(told.now) > 0 || len(told.faults) > 0 {
		t.Errorf("after the end: %v, %v", told.now, told.faults)
	}
}

// Who comes back to its session joins the rooms that it is in again.
func TestComingBackIsTold(t *testing.T) {
	s, _ := recovering(t)
	told := attend(s.Namespace)
	c := join(t, s)
	c.Call("join", "room")
	emit(t, s, "an offset")
	texts(t, c)
	told.becomes(t, func() map[stay]bool { return map[stay]bool{{c.ID(), c.ID()}: true, {c.ID(), "room"}: true} })
	c.Drop()
	told.becomes(t, func() map[stay]bool { return map[stay]bool{} })
	id := c.ID()
	if c = back(t, s, c.Key()); c.ID() != id {
		t.Fatalf("%s came back as %s", id, c.ID())
	}
	told.becomes(t, func() map[stay]bool { return map[stay]bool{{id, id}: true, {id, "room"}: true} })
}
