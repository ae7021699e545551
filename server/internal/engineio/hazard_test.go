package engineio

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"hipflask/testdata/testkit"
)

// What only goes wrong when two things happen to one session at the same time.

// slowPOST begins a POST and returns what sends the rest of its body and reads the status of the
// answer.
func (f *fixture) slowPOST(query, body string) (finish func() int) {
	f.t.Helper()
	conn, err := net.DialTimeout("tcp", f.addr, testkit.Deadline)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "POST /engine.io/?%s HTTP/1.1\r\nHost: %s\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n",
		query, f.addr)
	return func() int {
		f.t.Helper()
		if _, err := fmt.Fprintf(conn, "%x\r\n%s\r\n0\r\n\r\n", len(body), body); err != nil {
			f.t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(testkit.Deadline))
		var status int
		if _, err := fmt.Fscanf(conn, "HTTP/1.1 %d", &status); err != nil {
			f.t.Fatal(err)
		}
		return status
	}
}

func (o *opened) isPosting() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.polls.posting
}

// A client that upgrades while a POST of its own is still being handled must not get two goroutines
// into its receiver.
func TestReceiverIsNeverEnteredTwice(t *testing.T) {
	f := start(t)
	entered, leave := make(chan string, 10), make(chan struct{})
	f.take = func(data string) error {
		entered <- data
		<-leave
		return nil
	}
	_, query := f.polling(4)
	posted := make(chan int, 1)
	go func() {
		status, _, _ := f.do(http.MethodPost, query, "4by POST")
		posted <- status
	}()
	if got := testkit.Await(t, entered, "message by POST"); got != "by POST" {
		t.Fatalf("received %q", got)
	}
	p := f.dial(strings.Replace(query, "polling", "websocket", 1), 0)
	p.send(opText, "2probe")
	p.expect(opText, "3probe")
	p.send(opText, "5")
	p.send(opText, "4by WebSocket")
	// The wait gives the fault its chance; without it nothing can enter, ever.
	select {
	case <-entered:
		t.Error("two calls into one receiver at the same time")
		close(leave)
	case <-time.After(200 * time.Millisecond):
		close(leave)
		if got := testkit.Await(t, entered, "message by WebSocket"); got != "by WebSocket" {
			t.Errorf("received %q", got)
		}
	}
	if status := testkit.Await(t, posted, "answer to the POST"); status != http.StatusOK {
		t.Errorf("the POST was answered %d", status)
	}
}

// A POST that ends the session when a WebSocket has taken it over meanwhile must end the WebSocket
// as well: it would stay open for ever, without a heartbeat.
func TestEndByLatePOSTClosesTheWebSocket(t *testing.T) {
	for _, c := range []struct {
		payload string
		status  int
		reason  Reason
	}{
		{"garbage", http.StatusBadRequest, ParseError},
		{"1", http.StatusOK, ClientDisconnect},
		{strings.Repeat("4", 101), http.StatusRequestEntityTooLarge, TransportError},
	} {
		t.Run(string(c.reason), func(t *testing.T) {
			f := start(t, func(c *Config) { c.MaxMessage = 100 })
			o, query := f.polling(4)
			finish := f.slowPOST(query, c.payload)
			f.await(o.isPosting)
			p := f.dial(strings.Replace(query, "polling", "websocket", 1), 0)
			p.send(opText, "2probe")
			p.expect(opText, "3probe")
			p.send(opText, "5")
			f.await(func() bool { return o.Transport() == transportWebSocket })
			if status := finish(); status != c.status {
				t.Errorf("the POST was answered %d, want %d", status, c.status)
			}
			o.ends(t, c.reason)
			p.ended()
		})
	}
}

// A session that is upgraded lives on after the time limit of the upgrade's own writes has passed.
func TestUpgradedSessionOutlivesTheUpgradesDeadlines(t *testing.T) {
	f := start(t, func(c *Config) {
		c.PingInterval = lastFrameTimeout + lastFrameTimeout/2
		c.UpgradeTimeout = lastFrameTimeout
	})
	o, p := f.upgraded(4)
	p.expect(opText, "2") // which comes after all of them have passed
	p.send(opText, "3")
	o.Send(textMessage(t, "still here"))
	p.expect(opText, "4still here")
}

// Shutdown closes every session it finds, which therefore needs a receiver.
func TestSessionIsKnownOnlyWithItsReceiver(t *testing.T) {
	var f *fixture
	ready := make(chan struct{})
	f = start(t, func(c *Config) {
		open := c.Open
		c.Open = func(s *Session) Receiver {
			<-ready
			if f.srv.sessions[s.ID()] != nil {
				t.Error("Shutdown would find a session whose receiver does not stand yet")
			}
			return open(s)
		}
	})
	close(ready)
	f.polling(4)
}

// A session may end before its opening is through, and Shutdown be done with it.
func TestShutdownRightAfterOpening(t *testing.T) {
	for range 50 {
		f := start(t)
		o, _ := f.websocket(4)
		o.abort(ServerShutdown)
		f.stop()
	}
}
