//go:build linux

package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"
)

// idSize is the size of a message's id: in hexadecimal two digits for the run, four for the sender
// and six for its number.
const idSize = 12

// template is the packet of a message, with an id in it.
type template struct {
	payload string
	at      int // where the id is
}

// textMessage is a message with a string of n bytes.
func textMessage(n int) template {
	const before = `42["message","`
	return template{before + strings.Repeat("x", n) + `"]`, len(before)}
}

// objectMessage is a message with an object as a chat would send it.
func objectMessage() template {
	const before = `42["message",{"id":"`
	return template{before + strings.Repeat("x", idSize) + `","room":"general","user":{"name":"bob","id":4711,"admin":false},` +
		`"text":"Wie geht's? It's \"fine\", thank you","tags":["a","b",3,null],"sent":1764000000123,"edited":true}]`, len(before)}
}

// outcome is what a run was like.
type outcome struct {
	Delivered int           // messages received, or round trips
	Elapsed   time.Duration // until the last was
	Lost      int
	Reordered int
	Latency   []time.Duration // of each delivery, sorted, if that was asked for
	Bytes     int             // that came, if that was asked for
}

// broadcast is a work in which messages go to every client, or to every client of a room. Clients
// are in rooms, and senders speak in them, in their order.
type broadcast struct {
	nothing
	h       *herd
	t       template
	run     int
	room    int // clients in a room
	each    int // senders in a room
	senders []sender
	next    []uint32 // for each client, sender by sender of its room: the number that must come next
	until   time.Time
	refill  bool // a message that has come to all is followed by the next
	latency bool
	pending int // messages that have not come to all
	outcome
}

type sender struct {
	c      *conn
	room   int // the first in which it speaks
	rooms  int // and how many, in turn; 0: to everybody
	frame  []byte
	idAt   int // of the id in the frame
	maskAt int // and in the payload
	sent   []sent
}

// sent is a message, when it was due and to how many it has not come yet.
type sent struct {
	due  time.Time
	left int
}

func newBroadcast(h *herd, t template, senders int) *broadcast {
	b := &broadcast{h: h, t: t, room: len(h.conns), each: senders}
	if size := max(h.room, h.perNamespace); size > 0 {
		b.room, b.each = size, min(size, senders) // all clients send, or some of the first room
	}
	b.run = h.begin(b)
	for s, c := range h.webSockets() {
		if s < senders {
			b.senders = append(b.senders, b.sender(s, c))
		}
	}
	b.next = make([]uint32, len(h.conns)*b.each)
	return b
}

// sender has the frame that a client sends, in which an id takes the place of another.
func (b *broadcast) sender(s int, c *conn) sender {
	from := sender{c: c}
	if b.h.room > 0 {
		from.room, from.rooms = b.h.roomsOf(c)
	}
	from.prepare(b.t)
	return from
}

// prepare makes the frame of a sender's next message.
func (s *sender) prepare(t template) {
	payload := t.payload
	switch {
	case s.rooms > 0:
		payload = strings.Replace(payload, `["message",`, fmt.Sprintf(`["say","r%d",`, s.room+len(s.sent)%s.rooms), 1)
	case s.c.namespace != "":
		payload = payload[:2] + s.c.namespace + "," + payload[2:]
	}
	s.frame = maskedFrame(opText, []byte(payload))
	s.maskAt = t.at + len(payload) - len(t.payload)
	s.idAt = len(s.frame) - len(payload) + s.maskAt
}

// closed runs a closed loop: each of the senders, or every so manieth, keeps a number of messages
// in flight.
func (b *broadcast) closed(every, inFlight int, d time.Duration) (outcome, error) {
	begin := time.Now()
	b.until, b.refill = begin.Add(d), true
	for s := 0; s < len(b.senders); s += every {
		for range inFlight {
			b.send(s, begin)
		}
	}
	return b.drain(begin, d)
}

// open runs an open loop: messages go out on time, whether the earlier ones have come or not.
// Latency counts from when a message was due.
func (b *broadcast) open(perSecond int, d time.Duration) (outcome, error) {
	begin := time.Now()
	b.latency = true
	every := time.Second / time.Duration(perSecond)
	for i := range int(d / every) {
		due := begin.Add(time.Duration(i) * every)
		for wait := time.Until(due); wait > 0; wait = time.Until(due) {
			if err := b.h.loop.turn(min(rest, wait)); err != nil {
				return b.outcome, err
			}
		}
		b.send(i%len(b.senders), due)
	}
	return b.drain(begin, 0)
}

// drain ends the run.
func (b *broadcast) drain(begin time.Time, d time.Duration) (outcome, error) {
	err := b.h.end(d, func() bool { return b.pending == 0 })
	b.Elapsed = time.Since(begin)
	for _, s := range b.senders {
		for _, m := range s.sent {
			b.Lost += m.left
		}
	}
	slices.Sort(b.Latency)
	return b.outcome, err
}

// send sends a sender's next message.
func (b *broadcast) send(s int, due time.Time) {
	from := &b.senders[s]
	if from.rooms > 1 {
		from.prepare(b.t)
	}
	var id [idSize]byte
	putHex(id[:2], b.run)
	putHex(id[2:6], s)
	putHex(id[6:], len(from.sent))
	for i, digit := range id {
		from.frame[from.idAt+i] = digit ^ maskKey[(from.maskAt+i)%4]
	}
	from.sent = append(from.sent, sent{due, b.room})
	b.pending++
	from.c.write(from.frame)
}

func (b *broadcast) message(c *conn, head []byte, size int) {
	at := b.t.at
	if n := c.namespace; n != "" && bytes.HasPrefix(head[2:], []byte(n+",")) {
		head, size = append([]byte("42"), head[len(n)+3:]...), size-len(n)-1
	}
	if size != len(b.t.payload) || len(head) < at+idSize || string(head[:at]) != b.t.payload[:at] {
		c.fail("not the message that was sent: %d bytes, %.60q", size, head)
		return
	}
	id := head[at : at+idSize]
	run, s, number := hex(id[:2]), hex(id[2:6]), hex(id[6:])
	if run != b.run {
		return // came too late, was counted as lost
	}
	if s >= len(b.senders) || number >= len(b.senders[s].sent) {
		c.fail("a message that nobody sent: %q", id)
		return
	}
	if s/b.each != c.number/b.room {
		c.fail("a message of another room: %q", id)
		return
	}
	next := &b.next[c.number*b.each+s%b.each]
	if int(*next) != number {
		b.Reordered++
	}
	*next = uint32(number) + 1
	m := &b.senders[s].sent[number]
	if m.left--; m.left < 0 {
		c.fail("message %q came twice", id)
		return
	}
	b.Delivered++
	if b.latency {
		b.Latency = append(b.Latency, time.Since(m.due))
	}
	if m.left == 0 {
		b.pending--
		if b.refill {
			if now := time.Now(); now.Before(b.until) {
				b.send(s, now)
			}
		}
	}
}

// putHex writes n with as many digits as there is room for.
func putHex(dst []byte, n int) {
	for i := len(dst) - 1; i >= 0; i-- {
		dst[i] = "0123456789abcdef"[n&15]
		n >>= 4
	}
}

// hex reads digits; what is none becomes a number that no message has.
func hex(digits []byte) (n int) {
	for _, d := range digits {
		switch {
		case d >= '0' && d <= '9':
			n = n<<4 | int(d-'0')
		case d >= 'a' && d <= 'f':
			n = n<<4 | int(d-'a'+10)
		default:
			return 1 << 30
		}
	}
	return n
}
