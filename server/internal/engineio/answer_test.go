package engineio

import (
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"hipflask/server/internal/budget"
	"hipflask/testdata/testkit"
)

// unread sends a poll over a connection of its own, waits until it is being answered, and returns
// the connection, of whose answer nothing was read.
func (f *fixture) unread(query string, o *opened) net.Conn {
	f.t.Helper()
	before := o.answered()
	conn, err := net.Dial("tcp", f.addr)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, "GET /engine.io/?"+query+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		f.t.Fatal(err)
	}
	f.await(func() bool { return o.answered() > before })
	return conn
}

// answered is how many bytes of answers were written.
func (o *opened) answered() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.meter.bytesOut
}

// huge is more than the kernel takes of one answer.
const huge = 32 << 20

// What several clients are sent counts once, with the form that it is sent in, from the moment it
// waits until the last one has it or is gone.
func TestAnswersCountOnce(t *testing.T) {
	f := start(t, func(c *Config) { c.MaxBacklog = huge })
	m := textMessage(t, "51-x", make([]byte, huge))
	m.Share()
	used := func() int64 { return f.srv.cfg.Memory.Used() }
	var queries []string
	var all []*opened
	for range 3 {
		o, query := f.polling(4)
		queries, all = append(queries, query), append(all, o)
		o.Send(m)
	}
	if got := used(); got < huge || got > huge+10_000 {
		t.Errorf("%d bytes count for a message of %d that waits for three", got, huge)
	}
	most := int64(huge + huge/3*4 + 100_000)
	for i, o := range all {
		conn := f.unread(queries[i], o)
		if got := used(); got < most-200_000 || got > most {
			t.Errorf("%d bytes count with %d answers, want about %d", got, i+1, most)
		}
		if got := f.srv.Stats().Backlog; got < huge/3 {
			t.Errorf("%d bytes wait for three clients", got)
		}
		if i == 0 {
			o.Send(textMessage(t, "behind"))
			if _, err := io.CopyN(io.Discard, conn, huge/3*4); err != nil {
				t.Fatal(err)
			}
			if got := f.get(queries[i]); got != "4behind" {
				t.Errorf("polled %q", got)
			}
			continue
		}
		o.abort(TransportError) // which is the end of its answer, too
	}
	f.await(func() bool { return used() == 0 })
	if b := f.srv.Stats().Backlog; b != 0 {
		t.Errorf("%d bytes wait for nobody", b)
	}
}

// While one answer is written the next poll waits; one more is refused.
func TestPollWaitsForTheAnswerBeforeIt(t *testing.T) {
	f := start(t)
	o, query := f.polling(4)
	o.Send(textMessage(t, strings.Repeat("x", huge)))
	conn := f.unread(query, o)
	o.Send(textMessage(t, "next"))
	if o.Writable() {
		t.Error("writable while an answer is written")
	}
	polled := f.pollInBackground(query, o)
	if _, err := io.CopyN(io.Discard, conn, huge); err != nil {
		t.Fatal(err)
	}
	if got := testkit.Await(t, polled, "answer to the second poll"); got != "4next" {
		t.Errorf("polled %q", got)
	}

	o.Send(textMessage(t, strings.Repeat("x", huge)))
	f.unread(query, o)
	polled = f.pollInBackground(query, o)
	f.answer(http.StatusBadRequest, http.MethodGet, query, "")
	o.ends(t, TransportError)
	if got := testkit.Await(t, polled, "answer to the second poll"); got != "1" {
		t.Errorf("polled %q", got)
	}
}

// A client that takes nothing of an answer is given up, though it is heard.
func TestAnswerWithoutProgress(t *testing.T) {
	f := start(t, func(c *Config) { c.PingInterval, c.PingTimeout = time.Second, time.Second })
	m := textMessage(t, strings.Repeat("x", huge))
	o, query := f.polling(3)
	f.srv.heart.remove(&o.Session.beat) // as if it were heard all the time
	o.Send(m)
	f.unread(query, o)
	o.ends(t, TransportError)
	if n := f.srv.Stats().Refused[CauseSlowClient]; n != 1 {
		t.Errorf("%d slow clients, want 1", n)
	}
}

// When all clients together hold too much, the one that holds most is dropped, and the others go
// on.
func TestMemoryOfAllClients(t *testing.T) {
	f := start(t, func(c *Config) { c.MaxBacklog, c.Memory = 1<<30, budget.New(1<<20) })
	greedy, greedyQuery := f.polling(4)
	modest, modestQuery := f.polling(4)
	modest.Send(textMessage(t, "before"))
	greedy.Send(textMessage(t, strings.Repeat("x", 300_000)))
	for range 3 {
		greedy.Send(textMessage(t, strings.Repeat("y", 300_000)))
	}
	if !greedy.IsOpen() {
		t.Fatal("dropped within the limit")
	}
	modest.Send(textMessage(t, "after"))
	greedy.ends(t, TransportError)
	f.gone(greedyQuery)
	if got := f.get(modestQuery); got != "4before\x1e4after" {
		t.Errorf("polled %q", got)
	}
	stillOpen(t, modest)
	if n := f.srv.Stats().Refused[CauseMemory]; n != 1 {
		t.Errorf("%d clients were dropped for memory, want 1", n)
	}
	// Where nobody holds much, whoever asks is the one.
	f.srv.cfg.Memory.Add(1 << 20)
	modest.Send(textMessage(t, "x"))
	modest.ends(t, TransportError)
	f.srv.cfg.Memory.Give(1 << 20)
}

// What is parked for a WebSocket that takes no more counts as well.
func TestMemoryOfStalledWebSockets(t *testing.T) {
	f := start(t, func(c *Config) { c.MaxBacklog, c.Memory = 1<<30, budget.New(huge) })
	o, _ := f.slowWebSocket(4, 4096)
	for i := 0; len(o.closed) == 0; i++ {
		if i > 3*huge/(1<<20) {
			t.Fatal("not dropped")
		}
		o.Send(textMessage(t, strings.Repeat("x", 1<<20)))
		f.await(func() bool { o.mu.Lock(); defer o.mu.Unlock(); return !o.writing || o.parked || o.state == stateClosed })
	}
	o.ends(t, TransportError)
	f.await(func() bool { return f.srv.cfg.Memory.Used() == 0 })
}

// A closing session's client fetches all that was sent, by as many polls as that takes, and then
// the close packet by itself.
func TestCloseWithMoreThanOneAnswer(t *testing.T) {
	f := start(t)
	o, query := f.polling(4)
	const messages = 40
	for i := range messages {
		o.Send(textMessage(t, fmt.Sprint(i)))
	}
	o.Session.Close(ServerShutdown)
	o.ends(t, ServerShutdown)
	next := 0
	for _, size := range []int{16, 16, 8} {
		packets := strings.Split(f.get(query), "\x1e")
		if len(packets) != size {
			t.Fatalf("an answer of %d packets, want %d", len(packets), size)
		}
		for _, p := range packets {
			if p != "4"+fmt.Sprint(next) {
				t.Fatalf("packet %q, want message %d", p, next)
			}
			next++
		}
	}
	if got, want := "400 "+f.answer(http.StatusBadRequest, http.MethodGet, query, ""), `400 {"code":4,"message":"The server is shutting down"}`; got != want {
		t.Errorf("polled %q, want %q", got, want)
	}
	f.gone(query)
}

// What an answer could not hold of a message comes with the next one, or over the WebSocket that
// takes over between the two.
func TestMessageLargerThanAnAnswer(t *testing.T) {
	var attachments [][]byte
	var packets []string
	for i := range 40 {
		attachments = append(attachments, []byte{byte(i)})
		packets = append(packets, "b"+base64.StdEncoding.EncodeToString(attachments[i]))
	}
	f := start(t)
	o, query := f.polling(4)
	o.Send(textMessage(t, "540-", attachments...))
	o.Send(textMessage(t, "next"))
	if got, want := f.get(query), strings.Join(append([]string{"4540-"}, packets[:15]...), "\x1e"); got != want {
		t.Errorf("polled %q, want %q", got, want)
	}
	if got, want := f.get(query), strings.Join(packets[15:31], "\x1e"); got != want {
		t.Errorf("polled %q, want %q", got, want)
	}
	p := f.dial(strings.Replace(query, "polling", "websocket", 1), 0)
	p.send(opText, "2probe")
	p.expect(opText, "3probe")
	p.send(opText, "5")
	for _, a := range attachments[31:] {
		p.expect(opBinary, string(a))
	}
	p.expect(opText, "4next")
}

// The log of recovery keeps messages for minutes: what polls were sent of them goes with the last
// poll.
func TestFormsGoWithTheLastHolder(t *testing.T) {
	b := budget.New(0)
	m := textMessage(t, "51-x", make([]byte, largeFrame))
	other := m.Kept()
	m.hold(b)
	other.hold(b)
	first := m.form(1, 0, nil, b)
	if other.form(1, 0, nil, b) != first || len(first.part.Made) <= largeFrame {
		t.Error("the form is not shared")
	}
	m.release(b)
	if other.form(1, 0, nil, b) != first {
		t.Error("the form is gone before the last holder")
	}
	other.release(b)
	if n := len(m.retention().forms); n != 0 || b.Used() != 0 {
		t.Errorf("%d forms are kept, %d bytes count", n, b.Used())
	}
}

// A session may end between taking a message and making a form of it.
func TestFormThatNobodyHolds(t *testing.T) {
	b := budget.New(0)
	m := textMessage(t, "51-x", make([]byte, largeFrame))
	if f := m.form(1, 0, nil, b); len(f.part.Made) <= largeFrame {
		t.Error("no form was made")
	}
	if n := len(m.retention().forms); n != 0 || b.Used() != 0 {
		t.Errorf("%d forms are kept, %d bytes count", n, b.Used())
	}
}

// The outbox alone: what counts where, in each of its states.
func TestOutboxCounts(t *testing.T) {
	o := newOutbox(t)
	small, large := sized(t, 100), sized(t, largeFrame)
	lag, held := &o.shared.lag.bytes, o.shared.memory
	o.push(small)
	o.push(large)
	if int(lag.Load()) != o.queued || held.Used() != 0 {
		t.Errorf("the lag is %d of %d bytes, %d are held", lag.Load(), o.queued, held.Used())
	}
	o.park(1000)
	if least := int64(small.Len() + large.Len() + 1000); lag.Load() != 0 || held.Used() < least || held.Used() > least+2000 {
		t.Errorf("parked: the lag is %d, %d bytes are held, want about %d", lag.Load(), held.Used(), least)
	}
	if b, _ := o.take(wireV4, nil); len(b.data) != small.Len() || o.waiting() != o.queued+small.Len() {
		t.Errorf("took %d bytes, %d wait", len(b.data), o.waiting())
	}
	if b, _ := o.take(wireV4, nil); len(b.data) != large.Len() || held.Used() < int64(large.Len()) {
		t.Errorf("took %d bytes, %d are held while they are written", len(b.data), held.Used())
	}
	o.push(small)
	o.unpark()
	if held.Used() != 0 {
		t.Errorf("%d bytes are held of a client that reads on", held.Used())
	}
	o.park(0)
	o.drop()
}
