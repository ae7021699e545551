package engineio

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hipflask/testdata/testkit"
)

// Every way in which a session can end, each with one end and its reason. That there is no second
// one is checked as the fixture ends.

func TestEndByTheClient(t *testing.T) {
	t.Run("close frame", func(t *testing.T) {
		f := start(t)
		o, p := f.websocket(4)
		p.send(opClose, "\x03\xe9bye") // 1001
		o.ends(t, TransportClose)
		if code := p.ended(); code != 1001 {
			t.Errorf("close code %d, want the client's 1001", code)
		}
	})
	t.Run("WebSocket cut", func(t *testing.T) {
		f := start(t)
		o, p := f.websocket(4)
		p.cut()
		o.ends(t, TransportClose)
	})
	t.Run("WebSocket half closed", func(t *testing.T) {
		f := start(t)
		o, p := f.websocket(4)
		if err := p.tcp.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		o.ends(t, TransportClose)
		p.ended()
	})
	for _, eio := range []int{3, 4} {
		t.Run("packet 1 by WebSocket", func(t *testing.T) {
			f := start(t)
			o, p := f.websocket(eio)
			p.send(opText, "4last words")
			p.send(opText, "1")
			p.send(opText, "4too late")
			o.ends(t, ClientDisconnect)
			o.hears(t, "last words")
			if code := p.ended(); code != 1000 {
				t.Errorf("close code %d, want 1000", code)
			}
			if n := len(o.received); n != 0 {
				t.Errorf("%d messages were handled after the end", n)
			}
		})
	}
	t.Run("packet 1 by POST", func(t *testing.T) {
		f := start(t)
		o, query := f.polling(4)
		polled := f.pollInBackground(query, o)
		f.post(query, "4last words\x1e1")
		o.ends(t, ClientDisconnect)
		o.hears(t, "last words")
		if got := testkit.Await(t, polled, "answer to the poll"); got != "6" {
			t.Errorf("the waiting poll was answered %q", got)
		}
		f.gone(query)
	})
	t.Run("packet 1 by POST, Engine.IO 3", func(t *testing.T) {
		f := start(t)
		o, query := f.polling(3)
		f.post(query, "1:1")
		o.ends(t, ClientDisconnect)
		f.gone(query)
	})
}

// pollInBackground sends a poll that waits, and hands on its payload, behind the status where that
// is not 200.
func (f *fixture) pollInBackground(query string, o *opened) <-chan string {
	f.t.Helper()
	polled := make(chan string, 1)
	go func() {
		status, body, err := f.do(http.MethodGet, query, "")
		if err != nil {
			f.t.Error(err)
		}
		if status != http.StatusOK {
			body = fmt.Sprint(status, " ", body)
		}
		polled <- body
	}()
	f.await(o.isPolled)
	return polled
}

// toComeBack is the answer to the last poll of a server that goes down.
const toComeBack = `400 {"code":4,"message":"The server is shutting down"}`

func (o *opened) isPolled() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.polls.poll != nil
}

// gone checks that the session is not known any more.
func (f *fixture) gone(query string) {
	f.t.Helper()
	if body := f.answer(http.StatusBadRequest, http.MethodGet, query, ""); !strings.Contains(body, `"code":1`) {
		f.t.Errorf("a poll after the end was answered %q", body)
	}
}

func TestEndByAbandonedPolling(t *testing.T) {
	t.Run("poll cut", func(t *testing.T) {
		f := start(t)
		o, query := f.polling(4)
		ctx, cut := context.WithCancel(context.Background())
		failed := make(chan error, 1)
		go func() {
			req, _ := http.NewRequestWithContext(ctx, http.MethodGet, f.url(query), nil)
			_, err := f.http.Do(req)
			failed <- err
		}()
		f.await(o.isPolled)
		cut()
		if err := testkit.Await(t, failed, "end of the poll"); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		o.ends(t, TransportClose)
	})
	for _, eio := range []int{3, 4} {
		t.Run("no poll", func(t *testing.T) {
			f := start(t, quick)
			o, query := f.polling(eio)
			o.ends(t, PingTimeout)
			f.gone(query)
		})
	}
	t.Run("polls without pongs", func(t *testing.T) {
		f := start(t, quick)
		o, query := f.polling(4)
		if got := f.get(query); got != "2" {
			t.Fatalf("polled %q, want the ping", got)
		}
		polled := f.pollInBackground(query, o)
		o.ends(t, PingTimeout)
		if got, want := testkit.Await(t, polled, "answer to the poll"), `400 {"code":1,"message":"Session ID unknown"}`; got != want {
			t.Errorf("the poll was answered %q, want %q, after which a client comes back", got, want)
		}
	})
}

// quick shortens the heartbeat.
func quick(c *Config) { c.PingInterval, c.PingTimeout = 50*time.Millisecond, 50*time.Millisecond }

func TestEndBySilence(t *testing.T) {
	for _, query := range []string{"EIO=4&transport=websocket", "EIO=3&transport=websocket"} {
		t.Run(query, func(t *testing.T) {
			f := start(t, quick)
			p := f.dial(query, 0)
			o := f.opening()
			o.ends(t, PingTimeout)
			p.ended()
		})
	}
}

func TestEndByTheServer(t *testing.T) {
	t.Run("Close of a WebSocket", func(t *testing.T) {
		f := start(t)
		o, p := f.websocket(4)
		o.Send(textMessage(t, "before"))
		o.Session.Close(ServerClose)
		o.Session.Close(ServerClose)
		o.Send(textMessage(t, "after"))
		p.expect(opText, "4before")
		p.expect(opClose, "\x03\xe8")
		o.ends(t, ServerClose)
		p.send(opClose, "\x03\xe8")
		if _, _, err := p.read(); err == nil {
			t.Error("something follows the close frame")
		}
	})
	t.Run("Close of a WebSocket whose client does not answer", func(t *testing.T) {
		f := start(t)
		o, p := f.websocket(4)
		o.Session.Close(ServerClose)
		o.ends(t, ServerClose)
		if code := p.ended(); code != 1000 {
			t.Errorf("close code %d, want 1000", code)
		}
		f.await(func() bool { return f.srv.Count() == 0 })
	})
	t.Run("Close while a poll waits", func(t *testing.T) {
		f := start(t)
		o, query := f.polling(4)
		polled := f.pollInBackground(query, o)
		o.Session.Close(ServerClose)
		o.ends(t, ServerClose)
		if got := testkit.Await(t, polled, "answer to the poll"); got != "1" {
			t.Errorf("the poll was answered %q", got)
		}
		f.gone(query)
	})
	t.Run("Close between polls", func(t *testing.T) {
		f := start(t)
		o, query := f.polling(4)
		o.Send(textMessage(t, "before"))
		o.Session.Close(ServerClose)
		o.ends(t, ServerClose)
		for _, want := range []string{"4before", "1"} { // one after the other, see serveGET
			if got := f.get(query); got != want {
				t.Errorf("polled %q, want %q", got, want)
			}
		}
		f.gone(query)
	})
	t.Run("Shutdown", func(t *testing.T) {
		f := start(t)
		w, p := f.websocket(4)
		o, query := f.polling(4)
		polled := f.pollInBackground(query, o)
		f.stop()
		w.ends(t, ServerShutdown)
		o.ends(t, ServerShutdown)
		if code := p.ended(); code != 1001 {
			t.Errorf("close code %d, want 1001", code)
		}
		if got := testkit.Await(t, polled, "answer to the poll"); got != toComeBack {
			t.Errorf("the poll was answered %q", got)
		}
		f.answer(http.StatusServiceUnavailable, http.MethodGet, "EIO=4&transport=polling", "")
	})
	t.Run("Shutdown cut short", func(t *testing.T) {
		f := start(t)
		o, _ := f.polling(4)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := f.srv.Shutdown(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Shutdown: %v", err)
		}
		o.ends(t, ServerShutdown)
	})
}

func TestEndByBrokenRules(t *testing.T) {
	for _, c := range []struct {
		name   string
		frame  []byte
		code   int
		reason Reason
	}{
		{"unknown packet", clientFrame(opText, "9"), 1002, ParseError},
		{"empty packet", clientFrame(opText, ""), 1002, ParseError},
		{"base64 that is none", clientFrame(opText, "bAA*="), 1002, ParseError},
		{"base64 that was cut", clientFrame(opText, "bAAE"), 1002, ParseError},
		{"message that the receiver refuses", clientFrame(opText, "4refused"), 1002, ParseError},
		{"unmasked frame", []byte{0x81, 1, '3'}, 1002, TransportError},
		{"text that is not UTF-8", clientFrame(opText, "4\xff"), 1007, TransportError},
		{"long message", clientFrame(opText, "4"+strings.Repeat("x", 1000)), 1009, TransportError},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := start(t, func(c *Config) { c.MaxMessage = 1000 })
			f.take = refuse
			o, p := f.websocket(4)
			if _, err := p.conn.Write(c.frame); err != nil {
				t.Fatal(err)
			}
			o.ends(t, c.reason)
			if code := p.ended(); code != c.code {
				t.Errorf("close code %d, want %d", code, c.code)
			}
		})
	}
	for _, c := range []struct {
		name, payload string
		eio, status   int
		reason        Reason
	}{
		{"garbage by POST", "garbage", 4, http.StatusBadRequest, ParseError},
		{"garbage by POST, Engine.IO 3", "garbage", 3, http.StatusBadRequest, ParseError},
		{"pong by an Engine.IO 3 client", "1:3", 3, http.StatusBadRequest, ParseError},
		{"refused by POST", "4refused", 4, http.StatusBadRequest, ParseError},
		{"long POST", strings.Repeat("4", 1001), 4, http.StatusRequestEntityTooLarge, TransportError},
		{"many packets", strings.Repeat("6\x1e", 20) + "6", 4, http.StatusBadRequest, ParseError},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := start(t, func(c *Config) { c.MaxMessage, c.MaxPayloadPackets = 1000, 20 })
			f.take = refuse
			o, query := f.polling(c.eio)
			f.answer(c.status, http.MethodPost, query, c.payload)
			o.ends(t, c.reason)
			f.gone(query)
		})
	}
}

func refuse(data string) error {
	if data == "refused" {
		return errors.New("refused")
	}
	return nil
}

func TestEndByOverlappingRequests(t *testing.T) {
	t.Run("second poll", func(t *testing.T) {
		f := start(t)
		o, query := f.polling(4)
		polled := f.pollInBackground(query, o)
		f.answer(http.StatusBadRequest, http.MethodGet, query, "")
		o.ends(t, TransportError)
		testkit.Await(t, polled, "answer to the first poll")
		f.gone(query)
	})
	t.Run("second POST", func(t *testing.T) {
		f := start(t)
		o, query := f.polling(4)
		finish := f.slowPOST(query, "4first")
		f.await(o.isPosting)
		f.answer(http.StatusBadRequest, http.MethodPost, query, "4second")
		o.ends(t, TransportError)
		finish()
		if n := len(o.received); n != 0 {
			t.Errorf("%d messages were handled after the end", n)
		}
	})
}

// A client gets to know what it did wrong before its waiting poll ends, which it would else take
// for the reason: the answer to its POST is whole and on its way by then.
func TestRefusalComesBeforeTheEnd(t *testing.T) {
	for _, c := range []struct {
		name, body string
		status     int
		reason     Reason
	}{
		{"too large", strings.Repeat("4", 101), http.StatusRequestEntityTooLarge, TransportError},
		{"malformed", "garbage", http.StatusBadRequest, ParseError},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := start(t, func(c *Config) { c.MaxMessage = 100 })
			o, query := f.polling(4)
			polled := f.pollInBackground(query, o)
			w := &watchedAnswer{ResponseRecorder: httptest.NewRecorder(), polled: polled}
			f.srv.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/engine.io/?"+query, strings.NewReader(c.body)))
			if w.Code != c.status || !w.early {
				t.Errorf("answered %d, on its way before the end: %v", w.Code, w.early)
			}
			o.ends(t, c.reason)
			if got := testkit.Await(t, polled, "answer to the poll"); got != "1" {
				t.Errorf("the waiting poll was answered %q", got)
			}
		})
	}
}

// watchedAnswer notes whether a whole answer was sent while the poll waited.
type watchedAnswer struct {
	*httptest.ResponseRecorder
	polled <-chan string
	early  bool
}

// Flush waits a little, to give the fault its chance.
func (w *watchedAnswer) Flush() {
	time.Sleep(50 * time.Millisecond) // in which the poll would be answered
	whole := w.Header().Get("Content-Length") == fmt.Sprint(w.Body.Len())
	w.early = whole && len(w.polled) == 0
	w.ResponseRecorder.Flush()
}
