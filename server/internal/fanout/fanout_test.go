package fanout

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/zishang520/engine.io/v2/events"
	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io/v2/socket"

	"hipflask/internal/testkit"
)

// sorted lists a set in order.
func sorted[T ~string](set *types.Set[T]) []string {
	var list []string
	for _, v := range set.Keys() {
		list = append(list, string(v))
	}
	slices.Sort(list)
	return list
}

func TestRoomsAndTheirEvents(t *testing.T) {
	w := newWorld(t)
	var log []string
	for _, name := range []string{"create-room", "join-room", "leave-room", "delete-room"} {
		_ = w.adapter.On(events.EventName(name), func(args ...any) {
			line := name
			for _, arg := range args {
				line += " " + fmt.Sprint(arg)
			}
			log = append(log, line)
		})
	}
	happened := func(want ...string) {
		t.Helper()
		if !slices.Equal(log, want) {
			t.Errorf("happened %q, want %q", log, want)
		}
		log = nil
	}
	a := w.adapter
	one, two := w.introduced(), w.introduced()
	id1, id2 := string(one.id), string(two.id)
	happened("create-room "+id1, "join-room "+id1+" "+id1, "create-room "+id2, "join-room "+id2+" "+id2)

	a.AddAll(one.id, types.NewSet[socket.Room]("x"))
	happened("create-room x", "join-room x "+id1)
	a.AddAll(one.id, types.NewSet[socket.Room]("x"))
	happened()
	a.AddAll(two.id, types.NewSet[socket.Room]("x"))
	happened("join-room x " + id2)
	if got := sorted(a.Sockets(types.NewSet[socket.Room]("x"))); len(got) != 2 {
		t.Errorf("%q are in x", got)
	}
	if got, want := sorted(a.SocketRooms(one.id)), []string{id1, "x"}; !slices.Equal(got, want) && !slices.Equal(got, []string{"x", id1}) {
		t.Errorf("the first is in %q", got)
	}
	if a.SocketRooms("nobody") != nil {
		t.Error("an unknown client is in rooms")
	}

	a.Del(one.id, "x")
	happened("leave-room x " + id1)
	a.Del(one.id, "x")
	a.Del(one.id, "y")
	a.Del("nobody", "x")
	happened()
	a.Del(two.id, "x")
	happened("leave-room x "+id2, "delete-room x")

	a.AddAll(one.id, types.NewSet[socket.Room]("y"))
	log = nil
	a.DelAll(one.id)
	happened("leave-room "+id1+" "+id1, "delete-room "+id1, "leave-room y "+id1, "delete-room y")
	a.DelAll(one.id)
	happened()
	rooms, sids := a.Rooms(), a.Sids()
	if rooms.Len() != 1 || sids.Len() != 1 {
		t.Errorf("%d rooms and %d clients are left, want the other's", rooms.Len(), sids.Len())
	}
	a.DelAll(two.id)
	if len(a.members)+len(a.order)+len(a.rooms) != 0 {
		t.Errorf("%d members, %d in order, %d rooms are left", len(a.members), len(a.order), len(a.rooms))
	}
}

// A client that has left for good stays away, though a handler of its own may be
// slow to notice and put it into a room: nobody would ever take it out again, and
// what is broadcast would be kept for it.
func TestJoinAfterTheEndLeavesNothingBehind(t *testing.T) {
	w := newWorld(t)
	c := w.join()
	w.adapter.DelAll(c.id)
	w.adapter.AddAll(c.id, types.NewSet[socket.Room]("x"))
	w.adapter.Broadcast(message("hello"), nil)
	if len(w.adapter.members)+len(w.adapter.order)+len(w.adapter.rooms) != 0 {
		t.Errorf("%d members and %d rooms are left", len(w.adapter.members), len(w.adapter.rooms))
	}
}

func TestBroadcastSelects(t *testing.T) {
	w := newWorld(t)
	clients := map[string]*client{
		"none": w.join(), "x": w.join("x"), "y": w.join("y"), "xy": w.join("x", "y"), "xyz": w.join("x", "y", "z"),
	}
	for _, c := range []struct {
		opts *socket.BroadcastOptions
		want []string
	}{
		{nil, []string{"none", "x", "xy", "xyz", "y"}},
		{&socket.BroadcastOptions{}, []string{"none", "x", "xy", "xyz", "y"}},
		{to("x"), []string{"x", "xy", "xyz"}},
		{to("x", "y"), []string{"x", "xy", "xyz", "y"}},
		{to("x", "x", "z", "y"), []string{"x", "xy", "xyz", "y"}},
		{to("nowhere"), nil},
		{to("nowhere", "z"), []string{"xyz"}},
		{to(socket.Room(clients["none"].id)), []string{"none"}},
		{without(to(), "x"), []string{"none", "y"}},
		{without(to("x"), "y"), []string{"x"}},
		{without(to("x", "y"), "z", socket.Room(clients["xy"].id)), []string{"x", "y"}},
		{without(to("x"), "nowhere"), []string{"x", "xy", "xyz"}},
		{without(to("x"), "x"), nil},
	} {
		w.adapter.Broadcast(message("m"), c.opts)
		var got []string
		for name, client := range clients {
			switch n := len(client.received()); n {
			case 0:
			case 1:
				got = append(got, name)
			default:
				t.Errorf("%+v reaches %s %d times", c.opts, name, n)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("%+v reaches %q, want %q", c.opts, got, c.want)
		}
		var listed []string
		w.adapter.FetchSockets(c.opts)(func(found []socket.SocketDetails, _ error) {
			for name, client := range clients {
				if slices.ContainsFunc(found, func(s socket.SocketDetails) bool { return s.Id() == client.id }) {
					listed = append(listed, name)
				}
			}
		})
		slices.Sort(listed)
		if !slices.Equal(listed, c.want) {
			t.Errorf("%+v lists %q, want %q", c.opts, listed, c.want)
		}
	}
}

func TestSocketsOfASelection(t *testing.T) {
	w := newWorld(t)
	one, two, three := w.join("x"), w.join("x"), w.join()
	w.adapter.AddSockets(to("x"), []socket.Room{"y", "z"})
	w.adapter.DelSockets(without(to(), socket.Room(two.id)), []socket.Room{"z"})
	for c, want := range map[*client]int{one: 3, two: 4, three: 1} {
		if got := sorted(w.adapter.SocketRooms(c.id)); len(got) != want {
			t.Errorf("in %q, want %d rooms", got, want)
		}
	}
	w.adapter.DisconnectSockets(to("x"), false)
	for _, c := range []*client{one, two} {
		if got := c.received(); !slices.Equal(got, []string{"41"}) || c.sock.Connected() || !c.session.IsOpen() {
			t.Errorf("disconnected: %q, connected: %v, open: %v", got, c.sock.Connected(), c.session.IsOpen())
		}
	}
	w.adapter.DisconnectSockets(nil, true)
	if three.sock.Connected() || three.session.IsOpen() {
		t.Error("still connected")
	}
}

// A volatile message is for those who can have it at once.
func TestVolatile(t *testing.T) {
	w := newWorld(t)
	idle, polls := w.join(), w.join()
	early := w.introduced()
	polled := make(chan string, 1)
	go func() { polled <- polls.poll() }()
	for deadline := time.Now().Add(patience); !polls.session.Writable(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("the poll does not wait")
		}
	}
	opts := to()
	opts.Flags = &socket.BroadcastFlags{WriteOptions: socket.WriteOptions{Volatile: true}}
	w.adapter.Broadcast(message("now"), opts)
	if got := testkit.Await(t, polled, "answer to the poll"); got != `42["message","now"]` {
		t.Errorf("polled %q", got)
	}
	idle.hears()
	w.adapter.Admit(early.id)
	early.hears()
}

// What is broadcast while a client's connection is being decided comes after it.
func TestEarlyMessages(t *testing.T) {
	w := newWorld(t)
	c := w.introduced()
	w.adapter.Broadcast(message("one"), nil)
	w.adapter.Direct(c.id, message("two"))
	w.adapter.Broadcast(message("three"), to(socket.Room(c.id)))
	c.hears()
	w.adapter.Admit(c.id)
	w.adapter.Direct(c.id, message("four"))
	w.adapter.Admit(c.id)
	c.hears("one", "two", "three", "four")
	w.adapter.Admit("nobody")
	w.adapter.Direct("nobody", message("lost"))
}

func TestEarlyMessagesAreBounded(t *testing.T) {
	w := newWorld(t)
	c := w.introduced()
	for i := range maxEarly + 10 {
		w.adapter.Broadcast(message(fmt.Sprint(i)), nil)
	}
	w.adapter.Admit(c.id)
	got := c.received()
	if len(got) != maxEarly || got[0] != `42["message","10"]` || got[maxEarly-1] != fmt.Sprintf(`42["message","%d"]`, maxEarly+9) {
		t.Errorf("%d messages from %q on", len(got), got[:min(len(got), 1)])
	}
}

func TestBroadcastWithAck(t *testing.T) {
	w := newWorld(t)
	clients := []*client{w.join("x"), w.join("x"), w.join(), w.introduced()}
	w.adapter.AddAll(clients[3].id, types.NewSet[socket.Room]("x"))
	var counted uint64
	answers := 0
	p := message("ask")
	w.adapter.BroadcastWithAck(p, to("x"), func(n uint64) { counted = n }, func([]any, error) { answers++ })
	if counted != 3 {
		t.Errorf("%d clients were asked, want 3", counted)
	}
	w.adapter.Admit(clients[3].id)
	for i, c := range clients {
		asked := i != 2
		got := c.received()
		if want := fmt.Sprintf(`42%d["message","ask"]`, *p.Id); asked && !slices.Equal(got, []string{want}) || !asked && len(got) != 0 {
			t.Errorf("client %d received %q", i, got)
		}
		ack, waits := c.sock.Acks().LoadAndDelete(*p.Id)
		if waits != asked {
			t.Errorf("client %d may answer: %v, want %v", i, waits, asked)
		}
		if waits {
			ack(nil, nil)
		}
	}
	if answers != 3 {
		t.Errorf("%d answers, want 3", answers)
	}
	// One that nobody waits for any more.
	w.adapter.BroadcastWithAck(p, to("x"), func(uint64) {}, func([]any, error) {})
	w.adapter.ForgetAck(*p.Id)
	for _, c := range clients {
		if c.sock.Acks().Len() != 0 {
			t.Error("an answer is still waited for")
		}
	}
}

// What cannot be encoded is not sent to anybody.
func TestBroadcastOfWhatCannotBeEncoded(t *testing.T) {
	w := newWorld(t)
	c := w.join()
	w.adapter.Broadcast(message(func() {}), nil)
	w.adapter.Direct(c.id, message(func() {}))
	c.hears()
}

func TestAloneWithoutACluster(t *testing.T) {
	w := newWorld(t)
	if err := w.adapter.ServerSideEmit(nil); err != nil {
		t.Errorf("ServerSideEmit: %v", err)
	}
	if n := w.adapter.ServerCount(); n != 1 {
		t.Errorf("%d servers", n)
	}
}
