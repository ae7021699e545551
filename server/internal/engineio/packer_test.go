package engineio

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"hipflask/server/internal/budget"
	"hipflask/server/internal/deflate"
	"hipflask/server/internal/websocket"
	"hipflask/testdata/testkit"
)

// unpacked are the payloads of frames, and which of them were compressed.
func unpacked(t *testing.T, frames []byte) (payloads []string, compressed string) {
	t.Helper()
	var codec deflate.Codec
	for len(frames) > 0 {
		first := frames[0]
		_, payload, rest := websocket.SplitFrame(frames)
		frames = rest
		if first&0x40 == 0 {
			payloads, compressed = append(payloads, string(payload)), compressed+"-"
			continue
		}
		text, err := codec.Decompress(payload, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		payloads, compressed = append(payloads, string(text)), compressed+"c"
	}
	return payloads, compressed
}

// made is what carries the message.
func made(m *Message, w wire, p *packer) []byte {
	f, form := m.packed(w, p)
	if form == nil {
		return f
	}
	p.make(form, m, w)
	return *form.frames.Load()
}

// Each frame that is long enough is compressed, once for all and in every form, unless that makes
// it larger.
func TestPacked(t *testing.T) {
	var up websocket.Upgrader
	times := 0
	p := &packer{threshold: 100, memory: budget.New(0), compress: func(op websocket.Opcode, payload []byte) []byte {
		times++
		return up.Compress(op, payload)
	}}
	long, short := strings.Repeat("long ", 100), "short"
	noise := make([]byte, 300)
	for i := range noise {
		noise[i] = byte(i * i * 7919 >> 3)
	}
	build := func(text string, bins ...[]byte) *Message {
		m, err := NewMessage(0, func(dst []byte) ([]byte, [][]byte, error) { return append(dst, text...), bins, nil })
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	stored := build(long)
	stored.DoNotCompress()
	for what, test := range map[string]struct {
		m    *Message
		want string
	}{
		"long":                 {build(long), "c"},
		"short":                {build(short), "-"},
		"not to be compressed": {stored, "-"},
		"attachments":          {build(short, []byte(long), []byte("x"), []byte(long)), "-c-c"},
		"long with a short":    {build(long, []byte("x")), "c-"},
		"larger by that":       {build(short, noise), "--"},
		"large":                {build(strings.Repeat(long, 1000)), "c"},
	} {
		for w := range wires {
			if w == wirePlain {
				continue
			}
			times = 0
			first, second := made(test.m, w, p), made(test.m, w, p)
			if len(first) > 0 && &first[0] != &second[0] {
				t.Errorf("%s, form %d: made twice", what, w)
			}
			want, _ := unpacked(t, test.m.frames(w))
			got, compressed := unpacked(t, first)
			if strings.Join(got, "|") != strings.Join(want, "|") {
				t.Errorf("%s, form %d: %.100q, want %.100q", what, w, got, want)
			}
			if w == wireV4 && compressed != test.want {
				t.Errorf("%s: compressed are %s, want %s", what, compressed, test.want)
			}
			if !bytes.Equal(made(test.m, w, nil), test.m.frames(w)) {
				t.Errorf("%s, form %d: compressed for who takes nothing compressed", what, w)
			}
		}
	}
}

// half is a text that compression makes about half as long.
func half(n int) string {
	var b strings.Builder
	for random := rand.New(rand.NewPCG(1, 2)); b.Len() < n; {
		some := fmt.Sprintf("%016x%016x", random.Uint64(), random.Uint64())
		b.WriteString(some + some)
	}
	return b.String()
}

// What was compressed counts in what all clients may hold while the message waits for one of them,
// whether it was made before or after.
func TestCompressedFormCounts(t *testing.T) {
	for _, before := range []bool{true, false} {
		memory := budget.New(0)
		var up websocket.Upgrader
		p := &packer{threshold: 100, memory: memory, compress: up.Compress}
		m := textMessage(t, half(10_000))
		m.Share()
		n := 0
		if before {
			n = len(made(m, wireV4, p))
		}
		m.hold(memory)
		m.hold(memory)
		if !before {
			n = len(made(m, wireV4, p))
		}
		if held := int(memory.Used()); n < 2000 || n > m.Len()*3/4 || held < m.Len()+n || held > m.Len()+n+1000 {
			t.Errorf("made before %v: %d bytes count of a message of %d with a form of %d", before, held, m.Len(), n)
		}
		m.release(memory)
		m.release(memory)
		if held := memory.Used(); held != 0 {
			t.Errorf("made before %v: %d bytes count in the end", before, held)
		}
	}
}

// The form of a message that is kept for long goes when nobody needs it.
func TestCompressedFormOfWhatIsKept(t *testing.T) {
	var up websocket.Upgrader
	times := 0
	p := &packer{threshold: 100, memory: budget.New(0), compress: func(op websocket.Opcode, payload []byte) []byte {
		times++
		return up.Compress(op, payload)
	}}
	m := textMessage(t, half(10_000)).Bare()
	one := m.Kept()
	_, form := one.packed(wireV4, p)
	p.make(form, one, wireV4)
	made(one, wireV4, p)
	if made(m.Kept(), wireV4, p); times != 1 {
		t.Errorf("compressed %d times while it was there", times)
	}
	runtime.KeepAlive(form)
	form = nil
	runtime.GC()
	runtime.GC()
	n := 0
	if n = len(made(m.Kept(), wireV4, p)); times != 2 {
		t.Errorf("compressed %d times, want it to be gone", times)
	}
	one.hold(p.memory)
	if held := int(p.memory.Used()); held < m.Len()+n || held > m.Len()+n+1000 {
		t.Errorf("%d bytes count of a message of %d whose form of %d was made twice", held, m.Len(), n)
	}
	one.release(p.memory)
}

// While a message is compressed nobody waits for the mutex of a session that it goes to, and those
// who need no such form get theirs. Of a long one nobody waits at all: neither who sends nor the
// flusher. What is sent meanwhile follows.
func TestCompressingHoldsNobodyUp(t *testing.T) {
	for name, size := range map[string]int{"short": longForm / 4, "long": 4 * longForm} {
		t.Run(name, func(t *testing.T) {
			f := start(t)
			var up websocket.Upgrader
			begun, goOn := make(chan struct{}, 10), make(chan struct{})
			p := &packer{threshold: 1000, memory: f.srv.cfg.Memory,
				compress: func(op websocket.Opcode, payload []byte) []byte {
					begun <- struct{}{}
					<-goOn
					return up.Compress(op, payload)
				}}
			var sessions []*Session
			var peers []*peer
			for range 3 {
				o, c := f.websocket(4)
				o.mu.Lock()
				o.packer = p
				o.mu.Unlock()
				c.ws.Compressed = true
				sessions, peers = append(sessions, o.Session), append(peers, c)
			}
			other, otherPeer := f.websocket(4)
			text := half(size)
			m := textMessage(t, text)
			m.Share()
			sent := make(chan struct{})
			go func() {
				defer close(sent)
				sessions[0].Send(m)
			}()
			testkit.Await(t, begun, "compressing")
			if name == "long" {
				testkit.Await(t, sent, "end of Send")
			}
			round := f.srv.Begin()
			for _, s := range sessions {
				round.Queue(s, m) // once more for the first
				round.Queue(s, textMessage(t, "after"))
			}
			round.Queue(other.Session, m)
			ended := make(chan struct{})
			go func() { // writes to a few by itself, and waits for a short form
				defer close(ended)
				round.End()
			}()
			if name == "long" {
				otherPeer.expect(opText, "4"+text) // though the flusher came to the others before
			}
			sessions[0].Send(textMessage(t, "last"))
			close(goOn)
			testkit.Await(t, sent, "end of Send")
			testkit.Await(t, ended, "end of the round")
			peers[0].expect(opText, "4"+text)
			for _, c := range peers {
				c.expect(opText, "4"+text)
				c.expect(opText, "4after")
			}
			peers[0].expect(opText, "4last")
			if len(begun) > 0 {
				t.Error("it was compressed again")
			}
		})
	}
}

// A session that ends while it waits for a form is passed over, and its close frame follows what
// was sent before.
func TestEndWhileCompressing(t *testing.T) {
	f := start(t)
	var up websocket.Upgrader
	begun, goOn := make(chan struct{}, 10), make(chan struct{})
	p := &packer{threshold: 1000, memory: f.srv.cfg.Memory,
		compress: func(op websocket.Opcode, payload []byte) []byte {
			begun <- struct{}{}
			<-goOn
			return up.Compress(op, payload)
		}}
	cut, _ := f.websocket(4)
	closed, c := f.websocket(4)
	c.ws.Compressed = true
	text := half(2 * longForm)
	m := textMessage(t, text)
	m.Share()
	for _, o := range []*opened{cut, closed} {
		o.mu.Lock()
		o.packer = p
		o.mu.Unlock()
		o.Send(m)
	}
	testkit.Await(t, begun, "compressing")
	cut.abort(TransportError)
	closed.Close(ServerClose)
	close(goOn)
	c.expect(opText, "4"+text)
	if code := c.ended(); code != websocket.CloseNormal {
		t.Errorf("closed with %d", code)
	}
}
