package socketio_test

import (
	"slices"
	"strconv"
	"sync"
	"testing"

	"hipflask/server/socketio"
	"hipflask/server/socketio/socketiotest"
	"hipflask/testdata/testkit"
)

// A client is in the room of its own id, and in none once its disconnect handler has run.
func TestOwnRoomAndNoneAfterwards(t *testing.T) {
	contexts := make(chan *socketio.Context, 1)
	s := serve(t, map[string]any{"connect": func(c *socketio.Context) { c.Join("room"); contexts <- c }})
	client := join(t, s)
	c := testkit.Await(t, contexts, "connect")
	rooms, want := slices.Sorted(slices.Values(c.Rooms())), []string{"room", client.ID()}
	slices.Sort(want)
	if !slices.Equal(rooms, want) {
		t.Errorf("the client is in %v, want %v", rooms, want)
	}
	client.Disconnect()
	if err := s.Shutdown(limit(t)); err != nil { // its disconnect handler has run then
		t.Fatal(err)
	}
	c.Join("late")
	if rooms, ids := c.Rooms(), s.To("late").Clients(); len(rooms)+len(ids) > 0 {
		t.Errorf("after its end the client is in %v, and the room has %v", rooms, ids)
	}
	if err := c.Emit("late"); err != nil {
		t.Errorf("Emit to a client that has left: %v", err)
	}
}

// In the disconnect handler a client's rooms are still listed, and an emit to them
// reaches the others and not itself, in whatever way it left.
func TestRoomsOfAClientThatLeaves(t *testing.T) {
	ways := map[string]func(s *socketio.Server, c *socketiotest.Client){
		"it disconnects":               func(_ *socketio.Server, c *socketiotest.Client) { c.Disconnect() },
		"its connection is cut":        func(_ *socketio.Server, c *socketiotest.Client) { c.Drop() },
		"a handler of it disconnects":  func(_ *socketio.Server, c *socketiotest.Client) { c.Emit("go") },
		"its id is disconnected":       func(s *socketio.Server, c *socketiotest.Client) { s.To(c.ID()).Disconnect() },
		"it leaves in the middle":      func(_ *socketio.Server, c *socketiotest.Client) { c.Start("wait"); c.Drop() },
		"it is disconnected and drops": func(s *socketio.Server, c *socketiotest.Client) { s.To(c.ID()).Disconnect(); c.Drop() },
	}
	for name, leave := range ways {
		t.Run(name, func(t *testing.T) {
			rooms := make(chan []string, 10)
			s := serve(t, map[string]any{
				"join": func(c *socketio.Context) { c.Join("room"); c.Join("second") },
				"go":   func(c *socketio.Context) { c.Disconnect() },
				"wait": func(c *socketio.Context) { <-c.Context().Done() },
				"disconnect": func(c *socketio.Context) error {
					rooms <- c.Rooms()
					return c.To("room", "second").Emit("left", c.ID())
				},
			})
			a, b := join(t, s), join(t, s)
			a.Call("join")
			b.Call("join")
			want := []string{"room", "second", a.ID()}
			slices.Sort(want)
			leave(s, a)
			if got := slices.Sorted(slices.Values(testkit.Await(t, rooms, "disconnect"))); !slices.Equal(got, want) {
				t.Errorf("in its disconnect handler the client is in %v, want %v", got, want)
			}
			hears(t, b, `left ["`+a.ID()+`"]`)
			if got := a.Received(); len(got) > 0 {
				t.Errorf("the client that left received %v", got)
			}
		})
	}
}

// A client that its connect handler disconnects leaves its rooms in the same way, and so
// does one when the server goes down.
func TestRoomsOfAClientThatIsSentAway(t *testing.T) {
	left := make(chan []string, 1)
	s := serve(t, map[string]any{
		"connect": func(c *socketio.Context, auth struct{ Stay bool }) {
			c.Join("room")
			if !auth.Stay {
				c.Disconnect()
			}
		},
		"disconnect": func(c *socketio.Context) { left <- c.Rooms() },
	})
	join(t, s)
	if rooms := testkit.Await(t, left, "disconnect"); !slices.Contains(rooms, "room") {
		t.Errorf("a client that its connect handler disconnected was in %v", rooms)
	}
	socketiotest.Connect(t, s, socketiotest.Options{Auth: map[string]bool{"stay": true}})
	if err := s.Shutdown(limit(t)); err != nil {
		t.Fatal(err)
	}
	if rooms := testkit.Await(t, left, "disconnect"); !slices.Contains(rooms, "room") {
		t.Errorf("when the server went down the client was in %v", rooms)
	}
}

// Property: whoever joins, leaves, and is made to, at the same time, each disconnect
// handler sees the rooms that nobody has taken the client out of, and afterwards nobody is left.
func TestRoomsWhileManyComeAndGo(t *testing.T) {
	const clients, rounds = 8, 20
	var mu sync.Mutex
	var wrong [][]string
	s := serve(t, map[string]any{
		"connect": func(c *socketio.Context) { c.Join("always") },
		"disconnect": func(c *socketio.Context) {
			if rooms := c.Rooms(); !slices.Contains(rooms, "always") || !slices.Contains(rooms, c.ID()) {
				mu.Lock()
				defer mu.Unlock()
				wrong = append(wrong, rooms)
			}
		},
		"join": func(c *socketio.Context, room string) { c.Join(room) },
	})
	var work sync.WaitGroup
	for i := range clients {
		work.Go(func() {
			for round := range rounds {
				c, err := socketiotest.Dial(t, s, socketiotest.Options{})
				if err != nil {
					t.Error(err)
					return
				}
				room := strconv.Itoa(round % 3)
				c.Emit("join", room)
				s.To("always").Join(room)
				s.To(room).Leave(room)
				if i%2 == 0 {
					s.To(c.ID()).Disconnect()
				}
				c.Drop()
			}
		})
	}
	work.Wait()
	if err := s.Shutdown(limit(t)); err != nil {
		t.Fatal(err)
	}
	if len(wrong) > 0 {
		t.Errorf("%d disconnect handlers saw other rooms, such as %v", len(wrong), wrong[0])
	}
	if ids := s.To("always").Clients(); len(ids) > 0 {
		t.Errorf("%v are still there", ids)
	}
}
