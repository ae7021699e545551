package fanout

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"hipflask/server/internal/packet"
	"hipflask/testdata/testkit"
)

func TestRoomsAndWhoIsToldOfThem(t *testing.T) {
	var log []string
	tell := func(what string) func(string, string, string) {
		return func(namespace, room, id string) {
			log = append(log, fmt.Sprint(namespace, " ", what, " ", room, " ", id))
		}
	}
	w := newWorldWith(t, Config{Joined: tell("join"), Left: tell("leave")}, 1<<30)
	happened := func(want ...string) {
		t.Helper()
		if !slices.Equal(log, want) {
			t.Errorf("happened %q, want %q", log, want)
		}
		log = nil
	}
	a := w.adapter
	one, two := w.introduced(), w.introduced()
	happened("/ join "+one.id+" "+one.id, "/ join "+two.id+" "+two.id)

	one.Join("x")
	happened("/ join x " + one.id)
	one.Join("x")
	happened()
	two.Join("x")
	happened("/ join x " + two.id)
	if got := a.Members(to("x")); len(got) != 2 {
		t.Errorf("%d are in x", len(got))
	}
	if got, want := one.Rooms(), []string{one.id, "x"}; !slices.Equal(got, want) {
		t.Errorf("the first is in %q", got)
	}
	if a.Member("nobody") != nil || a.Member(one.id) != one.Member {
		t.Error("a client of another id is known")
	}

	one.Leave("x")
	happened("/ leave x " + one.id)
	one.Leave("x", "y")
	happened()
	if !a.HasRoom("x") {
		t.Error("the other one is in no room")
	}
	two.Leave("x")
	happened("/ leave x " + two.id)
	if a.HasRoom("x") {
		t.Error("a room without clients is there")
	}

	one.Join("y")
	log = nil
	a.Remove(one.id)
	happened("/ leave "+one.id+" "+one.id, "/ leave y "+one.id)
	a.Remove(one.id)
	a.Remove("nobody")
	one.Leave("y")
	happened()
	if got := one.Rooms(); !slices.Equal(got, []string{one.id, "y"}) {
		t.Errorf("before its end was handled it was in %q", got)
	}
	one.Forget()
	if got := one.Rooms(); len(got) != 0 {
		t.Errorf("after its end it is in %q", got)
	}
	if got := a.Rooms(); !slices.Equal(got, []string{two.id}) || len(a.members) != 1 {
		t.Errorf("rooms %q and %d clients are left, want the other's", got, len(a.members))
	}
	a.Remove(two.id)
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
	w.adapter.Remove(c.id)
	c.Join("x")
	w.adapter.Broadcast(message("hello"), everybody)
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
		who  Selection
		want []string
	}{
		{everybody, []string{"none", "x", "xy", "xyz", "y"}},
		{to("x"), []string{"x", "xy", "xyz"}},
		{to("x", "y"), []string{"x", "xy", "xyz", "y"}},
		{to("x", "x", "z", "y"), []string{"x", "xy", "xyz", "y"}},
		{to("x").To("y", "x"), []string{"x", "xy", "xyz", "y"}},
		{to("nowhere"), nil},
		{to("nowhere", "z"), []string{"xyz"}},
		{to(clients["none"].id), []string{"none"}},
		{everybody.Without("x"), []string{"none", "y"}},
		{to("x").Without("y"), []string{"x"}},
		{to("x", "y").Without("z", clients["xy"].id), []string{"x", "y"}},
		{to("x").Without("nowhere"), []string{"x", "xy", "xyz"}},
		{to("x").Without("x"), nil},
	} {
		w.adapter.Broadcast(message("m"), c.who)
		var got []string
		for name, client := range clients {
			switch n := len(client.received()); n {
			case 0:
			case 1:
				got = append(got, name)
			default:
				t.Errorf("%+v reaches %s %d times", c.who, name, n)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("%+v reaches %q, want %q", c.who, got, c.want)
		}
		var listed []string
		for _, m := range w.adapter.Members(c.who) {
			for name, client := range clients {
				if client.Member == m {
					listed = append(listed, name)
				}
			}
		}
		slices.Sort(listed)
		if !slices.Equal(listed, c.want) {
			t.Errorf("%+v lists %q, want %q", c.who, listed, c.want)
		}
	}
}

func TestMembersOfASelection(t *testing.T) {
	w := newWorld(t)
	one, two, three := w.join("x"), w.join("x"), w.join()
	w.adapter.Join(to("x"), []string{"y", "z"})
	w.adapter.Leave(everybody.Without(two.id), []string{"z"})
	for c, want := range map[*client]int{one: 3, two: 4, three: 1} {
		if got := c.Rooms(); len(got) != want {
			t.Errorf("in %q, want %d rooms", got, want)
		}
	}
	w.adapter.Disconnect(to("x"), false)
	for _, c := range []*client{one, two} {
		if got := c.received(); !slices.Equal(got, []string{"41"}) || !c.left || !c.session.IsOpen() {
			t.Errorf("disconnected: %q, left: %v, open: %v", got, c.left, c.session.IsOpen())
		}
	}
	w.adapter.Disconnect(everybody, true)
	if !three.left || three.session.IsOpen() {
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
	for deadline := time.Now().Add(testkit.Deadline); !polls.session.Writable(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("the poll does not wait")
		}
	}
	w.adapter.Broadcast(message("now"), Selection{Volatile: true})
	if got := testkit.Await(t, polled, "answer to the poll"); got != `42["message","now"]` {
		t.Errorf("polled %q", got)
	}
	idle.hears()
	early.Admit()
	early.hears()
}

// What is broadcast while a client's connection is being decided comes after it.
func TestEarlyMessages(t *testing.T) {
	w := newWorld(t)
	c := w.introduced()
	w.adapter.Broadcast(message("one"), everybody)
	c.Send(message("two"))
	w.adapter.Broadcast(message("three"), to(c.id))
	c.hears()
	c.Admit()
	c.Send(message("four"))
	c.Admit()
	c.hears("one", "two", "three", "four")
	w.adapter.Remove(c.id)
	c.Admit()
	c.Send(message("lost"))
}

func TestEarlyMessagesAreBounded(t *testing.T) {
	w := newWorld(t)
	c := w.introduced()
	for i := range maxEarly + 10 {
		w.adapter.Broadcast(message(fmt.Sprint(i)), everybody)
	}
	c.Admit()
	got := c.received()
	if len(got) != maxEarly || got[0] != `42["message","10"]` || got[maxEarly-1] != fmt.Sprintf(`42["message","%d"]`, maxEarly+9) {
		t.Errorf("%d messages from %q on", len(got), got[:min(len(got), 1)])
	}
}

func TestCall(t *testing.T) {
	w := newWorld(t)
	clients := []*client{w.join("x"), w.join("x"), w.join(), w.introduced(), w.join("x"), w.join("x")}
	clients[3].Join("x")
	clients[4].End() // it goes, and is not removed yet
	answers, gone := 0, 0
	answered := func(client string, args []packet.Value, err error) {
		if err != nil {
			gone++
		} else {
			answers++
		}
	}
	asked, _ := w.adapter.Call(message("ask"), to("x"), answered)
	if asked != 5 || gone != 1 {
		t.Errorf("%d clients were asked, %d of them gone, want 5 and 1", asked, gone)
	}
	clients[3].Admit()
	for i, c := range clients {
		want := []string{`421["message","ask"]`}
		if i == 2 {
			want = nil
		}
		if got := c.received(); !slices.Equal(got, want) {
			t.Errorf("client %d received %q", i, got)
		}
		if i == 5 {
			w.adapter.Remove(c.id)
		}
		c.Answer(2, nil) // nobody has asked that
		c.Answer(1, nil)
		c.Answer(1, nil)
	}
	if answers != 3 || gone != 2 {
		t.Errorf("%d answers, %d are gone, want 3 and 2", answers, gone)
	}
	// One that nobody waits for any more.
	_, forget := w.adapter.Call(message("ask"), to("x"), func(string, []packet.Value, error) {})
	forget()
	for _, c := range clients {
		if len(c.acks.by) != 0 {
			t.Error("an answer is still waited for")
		}
	}
}

func TestAsk(t *testing.T) {
	w := newWorld(t)
	c := w.join()
	var got []string
	answered := func(args []packet.Value, err error) {
		got = append(got, fmt.Sprint(len(args), err))
	}
	c.Ask(message("one"), answered)
	forget := c.Ask(message("two"), answered)
	c.Ask(message("three"), answered)
	if heard := c.received(); !slices.Equal(heard, []string{`421["message","one"]`, `422["message","two"]`, `423["message","three"]`}) {
		t.Errorf("received %q", heard)
	}
	forget()
	c.Answer(2, nil)
	c.Answer(1, []packet.Value{packet.TextValue("yes")})
	c.End()
	c.Ask(message("four"), answered)
	if want := []string{"1 <nil>", "0 the client is gone", "0 the client is gone"}; !slices.Equal(got, want) {
		t.Errorf("answered %q, want %q", got, want)
	}
}

// What cannot be encoded is not sent to anybody.
func TestBroadcastOfWhatCannotBeEncoded(t *testing.T) {
	w := newWorld(t)
	c := w.join()
	w.adapter.Broadcast(message(func() {}), everybody)
	c.Send(message(func() {}))
	c.hears()
}

func TestAloneWithoutACluster(t *testing.T) {
	w := newWorld(t)
	if err := w.adapter.ServerSideEmit(Event{}); err != nil {
		t.Errorf("ServerSideEmit: %v", err)
	}
	if ids, err := w.adapter.FetchOthers(t.Context(), everybody); len(ids) != 0 || err != nil {
		t.Errorf("others: %v, %v", ids, err)
	}
	w.adapter.Close()
}
