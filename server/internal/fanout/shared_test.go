package fanout

import (
	"slices"
	"strings"
	"testing"
	"time"

	"hipflask/server/internal/offset"
)

// order is a sequence of which this server has read some. Its peers are none: what the test
// calls is all that is there.
type order struct {
	Peers // nil

	position  Position
	past      []entry // what can be read of it
	forgotten offset.ID
	session   *Session
	outcomes  []Outcome
	begun     []string
	discarded []string
	read      int // how often it was read
}

// entry is a broadcast at a place.
type entry struct {
	place int
	text  string
	to    Selection
}

func (o *order) Attach(*Adapter)          {}
func (o *order) Detach(*Adapter)          {}
func (o *order) After(_ int, fn func())   { fn() }
func (o *order) Position() Position       { return o.position }
func (o *order) Begin(pid string, _ Kept) { o.begun = append(o.begun, pid) }
func (o *order) Changed(string)           {}
func (o *order) Saved(string)             {}
func (o *order) End(string, bool)         {}
func (o *order) Discard(pid string)       { o.discarded = append(o.discarded, pid) }
func (o *order) Count(outcome Outcome)    { o.outcomes = append(o.outcomes, outcome) }
func (o *order) Take(string, string) (*Session, Outcome) {
	if o.session == nil {
		return nil, NotFound
	}
	return o.session, FromOther
}

func (o *order) Past(_ string, from, upTo offset.ID, fn func(Event, Selection, offset.ID) bool) error {
	o.read++
	for _, e := range o.past {
		if id := at(e.place); id.Compare(from) >= 0 && id.Compare(upTo) <= 0 && !fn(message(e.text), e.to, id) {
			return nil
		}
	}
	if from.Compare(o.forgotten) <= 0 {
		return ErrForgotten
	}
	return nil
}

func at(n int) offset.ID { return offset.ID{Ms: uint64(n)} }

// ordered makes a world whose server began to read at a place.
func ordered(t *testing.T, began int) (*world, *order) {
	o := &order{position: Position{Began: at(began), Dealt: at(began), Reached: at(began)}}
	return newWorldWith(t, Config{Recovery: time.Minute, Peers: o}, 1<<30), o
}

// deliver has this server read entries.
func (o *order) deliver(w *world, entries ...entry) {
	for _, e := range entries {
		o.position.Reached = at(e.place)
		w.adapter.Deliver(message(e.text), e.to, at(e.place))
		o.position.Dealt = at(e.place)
	}
}

// comesBack has a client come back to its session, which has seen what is up to a place.
func (w *world) comesBack(seen int) (*client, bool) {
	w.t.Helper()
	id, ok := w.adapter.Restore("pid", at(seen).String())
	if !ok {
		return nil, false
	}
	return w.returns(id), true
}

// returns introduces a client whose session was restored.
func (w *world) returns(id string) *client {
	w.t.Helper()
	c := &client{w: w, query: "EIO=4&transport=polling"}
	c.poll()
	c.session = <-w.opened
	c.query += "&sid=" + c.session.ID()
	c.id = id
	c.Member = w.adapter.Introduce(id, c.session, c)
	return c
}

// numbers are the texts that a client was sent.
func (c *client) numbers() string {
	var all []string
	for _, p := range c.received() {
		_, text, _ := strings.Cut(p, `["message","`)
		text, _, _ = strings.Cut(text, `"`)
		all = append(all, text)
	}
	return strings.Join(all, " ")
}

// session is one of a client that was in a room from one place to another, and is in that of
// its id.
func session(from, to int) *Session {
	return &Session{Namespace: "/", ID: "id", PID: "pid", Since: at(1), Stays: []Stay{
		{"id", at(1), StillThere}, {"room", at(from), at(to)},
	}}
}

// What a client missed is read from the past as far as this server has not read it itself,
// and the rest it knows; by the rooms that the client was in at the time. What comes while it
// is on its way follows.
func TestComingBackFromAnotherServer(t *testing.T) {
	w, o := ordered(t, 10)
	room, own := to("room"), to("id")
	o.past = []entry{{5, "5", everybody}, {6, "6", room}, {7, "7", room}, {8, "8", to("elsewhere")}, {9, "9", own}, {10, "10", Selection{Except: []string{"id"}}}}
	o.deliver(w, entry{11, "11", everybody}, entry{12, "12", room}, entry{13, "13", own})
	o.past = append(o.past, entry{11, "11", everybody}, entry{13, "13", own})
	o.session = session(2, 7)
	c, ok := w.comesBack(4)
	if !ok {
		t.Fatalf("did not come back: %v", o.outcomes)
	}
	o.deliver(w, entry{14, "14", everybody})
	c.Admit()
	o.deliver(w, entry{15, "15", own})
	if got := c.numbers(); got != "5 6 9 11 13 14 15" {
		t.Errorf("heard %s", got)
	}
	if !slices.Equal(o.outcomes, []Outcome{FromOther}) || o.read != 1 {
		t.Errorf("outcomes %v, read %d times", o.outcomes, o.read)
	}
	if s := (keptMember{c.Member}).Session(); len(s.Stays) != 2 || s.Stays[1] != (Stay{"room", at(2), at(7)}) || s.ID != "id" || s.PID != "pid" {
		t.Errorf("its session goes on as %+v", s)
	}
}

// What this server has kept itself it does not read, and reads nothing twice.
func TestComingBackToWhereItIsKnown(t *testing.T) {
	w, o := ordered(t, 10)
	o.deliver(w, entry{11, "11", everybody}, entry{12, "12", everybody})
	o.session = session(2, 7)
	c, ok := w.comesBack(11)
	if !ok || o.read != 0 {
		t.Fatalf("came back: %v, %v, read %d times", ok, o.outcomes, o.read)
	}
	c.Admit()
	if got := c.numbers(); got != "12" {
		t.Errorf("heard %s", got)
	}
}

// A client may have seen more than this server has read: that does not come again.
func TestComingBackToAServerThatIsBehind(t *testing.T) {
	w, o := ordered(t, 10)
	o.deliver(w, entry{11, "11", everybody})
	o.session = session(2, 7)
	c, ok := w.comesBack(13)
	if !ok {
		t.Fatal(o.outcomes)
	}
	c.Admit()
	c.Join("room")
	o.deliver(w, entry{12, "12", everybody}, entry{13, "13", to("room")}, entry{14, "14", to("room")})
	if got := c.numbers(); got != "14" {
		t.Errorf("heard %s", got)
	}
	if s := (keptMember{c.Member}).Session(); s.Stays[2] != (Stay{"room", at(13).Next(), StillThere}) {
		t.Errorf("its stays are %v", s.Stays)
	}
}

// A client of which something cannot be known any more is a new one, and so is one whose id
// another client has. Its session is forgotten.
func TestNotComingBackFromAnotherServer(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(*world, *order)
		seen    int
		want    Outcome
	}{
		"no session":               {func(_ *world, o *order) { o.session = nil }, 4, NotFound},
		"trimmed":                  {func(_ *world, o *order) { o.forgotten = at(5) }, 4, Forgotten},
		"a stream that is another": {func(_ *world, o *order) { o.forgotten = at(1000) }, 500, Forgotten},
		"lost since it was read":   {func(_ *world, o *order) { o.position.Lost = at(12) }, 11, Forgotten},
		"stays are not known":      {func(_ *world, o *order) { o.session.Known = at(6) }, 4, Forgotten},
		"another client's id":      {func(w *world, _ *order) { w.adapter.Introduce("id", w.join().session, nil) }, 12, Unreadable},
	} {
		t.Run(name, func(t *testing.T) {
			w, o := ordered(t, 10)
			o.session = session(2, 7)
			had := o.session
			o.deliver(w, entry{11, "11", everybody}, entry{12, "12", everybody})
			c.prepare(w, o)
			if _, ok := w.comesBack(c.seen); ok || !slices.Equal(o.outcomes, []Outcome{c.want}) {
				t.Errorf("came back: %v, %v, want %v", ok, o.outcomes, c.want)
			}
			if o.session == had != slices.Equal(o.discarded, []string{"pid"}) {
				t.Errorf("discarded %q", o.discarded)
			}
		})
	}
}

// When some of the sequence is lost, every client is cut off, and one that is on its way back to its
// session as well. Their sessions are forgotten. Who comes later goes on.
func TestLapse(t *testing.T) {
	w, o := ordered(t, 10)
	o.session = session(2, 7)
	connected, connecting := w.join(), w.introduced()
	connected.Answered("another")
	id, ok := w.adapter.Restore("pid", at(10).String())
	if !ok {
		t.Fatal(o.outcomes)
	}
	w.adapter.Lapse()
	connecting.Answered("a third")
	for _, c := range []struct {
		who    string
		client *client
		want   string
	}{{"connected", connected, "1"}, {"being connected", connecting, "1"}, {"coming back", w.returns(id), "1"}, {"new", w.join(), "4marker"}} {
		c.client.Admit()
		c.client.session.Send(marker(t))
		if got := c.client.poll(); got != c.want {
			t.Errorf("a client that is %s receives %q, want %q", c.who, got, c.want)
		}
	}
	if slices.Sort(o.discarded); !slices.Equal(o.discarded, []string{"another", "pid"}) {
		t.Errorf("discarded %q", o.discarded)
	}
	if !slices.Equal(o.begun, []string{"another"}) {
		t.Errorf("sessions that were kept: %q", o.begun)
	}
}
