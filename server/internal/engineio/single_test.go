package engineio

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"hipflask/server/internal/engineio/payload"
	"hipflask/server/internal/websocket"
)

// maker packs messages so that one can see what of, and counts.
type maker struct{ made atomic.Int64 }

func (p *maker) pack(dst, text []byte, attachments [][]byte) []byte {
	p.made.Add(1)
	if string(text) == "cannot" {
		return nil
	}
	return fmt.Appendf(dst, "packed %s %q", text, attachments)
}

const (
	binaryText = `51-["m",{"_placeholder":true,"num":0}]`
	packedText = `packed ` + binaryText + ` ["\x01\x02"]`
)

// A packed message is one binary packet to every transport, and counts as one message.
func TestPackedWireForms(t *testing.T) {
	var p maker
	m := textMessage(t, binaryText, []byte{1, 2}).single(p.pack)
	for w, want := range map[wire]string{
		wireV4:     serverFrame(websocket.Binary, packedText),
		wireV4Text: serverFrame(websocket.Text, "bcGFja2VkIDUxLVsibSIseyJfcGxhY2Vob2xkZXIiOnRydWUsIm51bSI6MH1dIFsiXHgwMVx4MDIiXQ=="),
		wireV3:     serverFrame(websocket.Binary, "\x04"+packedText),
		wireV3Text: serverFrame(websocket.Text, "b4cGFja2VkIDUxLVsibSIseyJfcGxhY2Vob2xkZXIiOnRydWUsIm51bSI6MH1dIFsiXHgwMVx4MDIiXQ=="),
	} {
		for range 2 { // made, then kept
			if got := string(m.frames(w)); got != want {
				t.Errorf("wire %d: %q, want %q", w, got, want)
			}
		}
	}
	if data, binary := m.packet(0); string(data) != packedText || !binary || m.packets() != 1 || !m.isMessage() {
		t.Errorf("%d packets, the first %q, %v", m.packets(), data, binary)
	}
	for _, same := range []*Message{m, newControl("2"), rawMessage([]byte("x")), textMessage(t, "cannot"), textMessage(t, binaryText, nil, nil).after(1)} {
		if got := same.single(p.pack); got != same {
			t.Errorf("%q has become %q", same.frame, got.frame)
		}
	}
	for _, n := range []int{1, 100, 125, 126, 65_500, 70_000} {
		text := strings.Repeat("x", n)
		want := serverFrame(websocket.Binary, "packed "+text+" []")
		if got := textMessage(t, text).single(p.pack); string(got.frame) != want {
			t.Errorf("%d bytes: the frame begins with %.20q", n, got.frame)
		}
	}
}

// All sessions share what was packed once; of a message that is kept for long, while one of them
// has it.
func TestPackedOnce(t *testing.T) {
	for _, kept := range []bool{false, true} {
		var p maker
		m := textMessage(t, binaryText, []byte{1, 2})
		m.Share()
		if kept {
			m = m.Bare()
		}
		var wg sync.WaitGroup
		all := make([]*Message, 8)
		for i := range all {
			wg.Go(func() {
				mine := m
				if kept {
					mine = m.Kept()
				}
				first, again := mine.single(p.pack), mine.single(p.pack)
				if all[i] = first; again != first {
					t.Errorf("kept %v: it was packed again", kept)
				}
			})
		}
		wg.Wait()
		for _, one := range all {
			if one != all[0] || string(one.frame) != serverFrame(websocket.Binary, packedText) {
				t.Errorf("kept %v: not all have one", kept)
			}
		}
		runtime.KeepAlive(all)
		all = nil
		before := p.made.Load()
		runtime.GC()
		runtime.GC()
		if m.single(p.pack); (p.made.Load() > before) != kept {
			t.Errorf("kept %v: packed %d more times once nobody had it", kept, p.made.Load()-before)
		}
	}
}

// A form is changed as it is taken: what counts is right in each state, also where the packed form
// is longer and where it is shorter.
func TestOutboxCountsWhatIsPacked(t *testing.T) {
	for name, length := range map[string]int{"longer": 200_000, "shorter": largeFrame} {
		t.Run(name, func(t *testing.T) {
			o := newOutbox(t)
			o.packs = true
			o.shared.pack = func(dst, _ []byte, _ [][]byte) []byte { return append(dst, make([]byte, length)...) }
			lag, held := &o.shared.lag.bytes, o.shared.memory
			const size = 4 * largeFrame
			push := func() {
				m := sized(t, size)
				m.Share()
				o.push(m)
			}
			takes := func(state string) {
				t.Helper()
				if b, messages := o.take(wireV4, nil); len(b.data) != websocket.HeaderSize(length)+length || messages != 1 {
					t.Errorf("%s: took %d bytes, %d messages", state, len(b.data), messages)
				}
			}
			push()
			push()
			takes("free")
			if int(lag.Load()) != o.queued || o.queued > size+1000 {
				t.Errorf("the lag is %d, %d are queued", lag.Load(), o.queued)
			}
			push()
			o.park(0)
			push()
			takes("parked")
			if least := int64(length + 2*size); held.Used() < least || held.Used() > least+2000 {
				t.Errorf("%d bytes are held, want about %d", held.Used(), least)
			}
			o.unpark() // with two from before: they are no lag
			push()
			takes("free again")
			for _, p := range o.takeAnswer(0, nil) {
				if data, binary := p.packet(0); !binary || len(data) != length || p.count != 1 {
					t.Errorf("an answer to a poll has %d packets, the first of %d bytes", p.count, len(data))
				}
			}
			push()
			o.park(0)
			if len(o.takeAnswer(1, nil)) != 1 {
				t.Error("no answer")
			}
			push()
			o.drop()
			o.shared.memory.Give(int(held.Used())) // of the answer that is not written
		})
	}
}

// A client that says so by its first message has all messages packed from then on, and its binary
// ones count; heartbeats and others stay as they are.
func TestPack(t *testing.T) {
	var p maker
	f := start(t, func(c *Config) { c.Pack = p.pack })
	f.wrap = func(o *opened) Receiver { return packs{o} }
	s, c := f.websocket(4)
	c.send(opBinary, "hello")
	s.hears(t, "binary hello")
	m := textMessage(t, binaryText, []byte{1, 2})
	m.Share()
	s.Send(m)
	c.expect(opBinary, packedText)
	s.ping()
	c.expect(opText, "2")
	c.send(opBinary, "again")
	s.hears(t, "binary again")
	if got := s.meter.traffic(); got.MessagesIn != 2 || got.MessagesOut != 1 {
		t.Errorf("%d messages in and %d out, want 2 and 1", got.MessagesIn, got.MessagesOut)
	}
}

// packs is a receiver of binary messages alone.
type packs struct{ *opened }

func (p packs) Binary(data []byte) error {
	p.Pack()
	return p.opened.Binary(data)
}

// A large packed message has one form for all polls.
func TestPackedPollsShareForms(t *testing.T) {
	o := newOutbox(t)
	p := maker{}
	o.shared.pack = p.pack
	m := textMessage(t, strings.Repeat("x", 2*largeFrame))
	m.Share()
	var parts []string
	for range 2 {
		client := &outbox{shared: o.shared, packs: true}
		client.park(0)
		client.push(m)
		portions := client.takeAnswer(16, nil)
		b := o.shared.body(portions, payload.V4, "", "", "")
		parts = append(parts, fmt.Sprintf("%d of %d bytes at %p", len(b.pieces), b.size, b.pieces[0]))
		defer portions[0].release(o.shared.memory)
	}
	if parts[0] != parts[1] || p.made.Load() != 1 {
		t.Errorf("%q, packed %d times", parts, p.made.Load())
	}
}
