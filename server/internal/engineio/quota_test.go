package engineio

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hipflask/testdata/testkit"
)

// What a client may send in a second it may send at once; then it waits for as long as the rest
// takes.
func TestQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQuota(Bounds{Messages: 10, Bytes: 1000})
		owes := func(want time.Duration, first bool) {
			t.Helper()
			if got, isFirst := q.owed(); got != want || isFirst != first {
				t.Fatalf("%v is owed, the first time: %v; want %v, %v", got, isFirst, want, first)
			}
		}
		for range 10 {
			q.charge(q.messages, 1)
		}
		q.charge(q.bytes, 1000)
		owes(0, false)
		q.charge(q.messages, 1)
		owes(100*time.Millisecond, true)
		q.charge(q.messages, 1)
		owes(200*time.Millisecond, false)
		q.charge(q.bytes, 5000) // more than a second's worth
		owes(5*time.Second, false)
		time.Sleep(4 * time.Second)
		owes(time.Second, false)
		time.Sleep(time.Hour)
		owes(0, false)
		q.charge(q.messages, 10)
		owes(0, false)
	})
	if newQuota(Bounds{Connections: 1, Handshakes: 1}) != nil {
		t.Error("a quota without a limit")
	}
}

// Less than a millisecond is not waited for, but not forgotten.
func TestQuotaAddsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQuota(Bounds{Messages: 10_000})
		q.charge(q.messages, 10_000)
		for range 9 {
			q.charge(q.messages, 1)
			if wait, _ := q.owed(); wait != 0 {
				t.Fatalf("%v is owed", wait)
			}
		}
		q.charge(q.messages, 1)
		if wait, _ := q.owed(); wait != time.Millisecond {
			t.Errorf("%v is owed, want 1ms", wait)
		}
	})
}

// A client that sends more than it may is held back, and loses nothing. How long that takes at
// least is the one thing that time decides here.

const (
	perSecond = 200 // messages
	sent      = 300
	// What comes last is not waited for.
	leastTime = (sent-perSecond-1)*time.Second/perSecond - shortestPause
)

func slowly(c *Config) { c.Bounds.Messages = perSecond }

// atOne makes a flood last for minutes.
func atOne(c *Config) { c.Bounds.Messages = 1 }

func numbered(i int) string { return fmt.Sprint("message ", i) }

// hearsAll checks that all messages come, in order and not before their time.
func hearsAll(t *testing.T, o *opened, start time.Time) {
	t.Helper()
	for i := range sent {
		o.hears(t, numbered(i))
	}
	if took := time.Since(start); took < leastTime {
		t.Errorf("%d messages came in %v, want no more than %d a second", sent, took, perSecond)
	}
}

func flood(frame func(i int) []byte) []byte {
	var all []byte
	for i := range sent {
		all = append(all, frame(i)...)
	}
	return all
}

func engineMessages() []byte {
	return flood(func(i int) []byte { return clientFrame(opText, "4"+numbered(i)) })
}

func TestRateOfMessages(t *testing.T) {
	t.Run("WebSocket", func(t *testing.T) {
		f := start(t, slowly)
		o, p := f.websocket(4)
		begun := time.Now()
		p.write(engineMessages())
		hearsAll(t, o, begun)
	})
	t.Run("plain WebSocket", func(t *testing.T) {
		f := start(t, slowly)
		o, p := f.plain()
		begun := time.Now()
		p.write(flood(func(i int) []byte { return clientFrame(opText, numbered(i)) }))
		hearsAll(t, o, begun)
	})
	t.Run("upgraded", func(t *testing.T) {
		f := start(t, slowly)
		o, p := f.upgraded(4)
		begun := time.Now()
		p.write(engineMessages())
		hearsAll(t, o, begun)
	})
	t.Run("polling", func(t *testing.T) { // what came is handled at once, and then waited for
		f := start(t, slowly)
		o, query := f.polling(4)
		begun := time.Now()
		payload := flood(func(i int) []byte { return []byte("4" + numbered(i) + "\x1e") })
		f.post(query, strings.TrimSuffix(string(payload), "\x1e"))
		hearsAll(t, o, begun)
	})
}

// Control frames are messages, too.
func TestRateOfPings(t *testing.T) {
	f := start(t, slowly)
	_, p := f.websocket(4)
	begun := time.Now()
	p.write(flood(func(int) []byte { return clientFrame(opPing, "") }))
	for range sent {
		p.expect(opPong, "")
	}
	if took := time.Since(begun); took < leastTime {
		t.Errorf("%d pings were answered in %v", sent, took)
	}
}

func TestRateOfBytes(t *testing.T) {
	const (
		rate  = 50_000
		piece = 10_000 // more than is read at once
		least = time.Second - piece*time.Second/rate - shortestPause
	)
	text := strings.Repeat("x", 2*rate)
	atRate := func(c *Config) { c.Bounds.Bytes = rate }
	t.Run("WebSocket", func(t *testing.T) {
		f := start(t, atRate)
		o, p := f.websocket(4)
		begun := time.Now()
		p.send(opText, "4"+text)
		o.hears(t, text)
		if took := time.Since(begun); took < least {
			t.Errorf("%d bytes came in %v", len(text), took)
		}
	})
	t.Run("fragments of nothing", func(t *testing.T) {
		f := start(t, atRate)
		o, p := f.websocket(4)
		begun := time.Now()
		empty := append([]byte{0}, clientFrame(opText, "")[1:]...)
		p.write(append([]byte{opText}, clientFrame(opText, "4begins")[1:]...))
		p.write([]byte(strings.Repeat(string(empty), 2*rate/len(empty))))
		p.write(append([]byte{0x80}, clientFrame(opText, " and ends")[1:]...))
		o.hears(t, "begins and ends")
		if took := time.Since(begun); took < least {
			t.Errorf("%d bytes of frames came in %v", 2*rate, took)
		}
	})
	t.Run("polling", func(t *testing.T) {
		f := start(t, atRate)
		o, query := f.polling(4)
		begun := time.Now()
		f.post(query, "4"+text)
		o.hears(t, text)
		if took := time.Since(begun); took < least {
			t.Errorf("a POST of %d bytes was answered in %v", len(text), took)
		}
	})
}

// A pause of minutes ends with the session, whoever ends it.
func TestPauseEndsWithTheSession(t *testing.T) {
	held := func(t *testing.T) (*fixture, *opened, *peer) {
		f := start(t, atOne)
		o, p := f.websocket(4)
		p.write(engineMessages())
		o.hears(t, numbered(0), numbered(1))
		f.await(func() bool { return o.beat.receiving.Load() > 0 })
		return f, o, p
	}
	t.Run("Close", func(t *testing.T) {
		_, o, p := held(t)
		o.Session.Close(ServerClose)
		if code := p.ended(); code != 1000 {
			t.Errorf("close code %d, want 1000", code)
		}
		o.ends(t, ServerClose)
	})
	t.Run("abort", func(t *testing.T) {
		_, o, p := held(t)
		o.abort(PingTimeout)
		p.ended()
		o.ends(t, PingTimeout)
	})
	t.Run("Shutdown", func(t *testing.T) {
		f, o, p := held(t)
		f.stop()
		if code := p.ended(); code != 1001 {
			t.Errorf("close code %d, want 1001", code)
		}
		o.ends(t, ServerShutdown)
	})
	t.Run("POST given up", func(t *testing.T) {
		f := start(t, atOne)
		o, query := f.polling(4)
		ctx, cut := context.WithCancel(t.Context())
		failed := make(chan error, 1)
		go func() {
			req, _ := http.NewRequestWithContext(ctx, http.MethodPost, f.url(query), strings.NewReader(strings.Repeat("4x\x1e", 20)+"4end"))
			_, err := f.http.Do(req)
			failed <- err
		}()
		for range 20 {
			o.hears(t, "x")
		}
		o.hears(t, "end")
		f.await(func() bool { return o.beat.receiving.Load() > 0 })
		cut()
		if err := testkit.Await(t, failed, "end of the POST"); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		f.await(func() bool { return o.beat.receiving.Load() == 0 })
	})
}

// While its reading is held back, a client's pongs lie unread: it must not be taken for dead, and
// must go on to hear from the server.
func TestHeartbeatThroughAPause(t *testing.T) {
	for eio, keeps := range map[int]string{4: "2", 3: "6"} {
		t.Run(fmt.Sprint("Engine.IO ", eio), func(t *testing.T) {
			f := start(t, quick, atOne)
			o, p := f.websocket(eio)
			p.write(engineMessages())
			for range 10 { // what tells the client that the server is there
				p.expect(opText, keeps)
			}
			o.hears(t, numbered(0), numbered(1))
			stillOpen(t, o)
		})
	}
}

// The answer to a POST is not held back for longer than proxies wait; what is then still owed, the
// next one waits for.
func TestPauseIsPaidInParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(Config{Bounds: Bounds{Messages: 1}})
		s := srv.newSession(httptest.NewRequest(http.MethodGet, "/", nil), false, 4)
		for range 101 { // one is free, the others owe 100 s
			s.countMessage()
		}
		for _, want := range []time.Duration{longestAnswer, longestAnswer, longestAnswer, 10 * time.Second, 0} {
			begun := time.Now()
			s.pause(longestAnswer, nil)
			if took := time.Since(begun); took != want {
				t.Errorf("held back for %v, want %v", took, want)
			}
		}
	})
}
