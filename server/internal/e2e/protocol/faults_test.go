package protocol

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// The faults of the named library as it comes, one test each. Every one of them fails against
// testdata/bare, which is the same chat on the bare library: see the README there. This file has
// the faults that can be seen over WebSocket, faults_polling_test.go those of HTTP; a panic in a
// handler and a handshake without auth need handlers of their own and are in
// socketio/isolation_test.go. The fault of the library's Redis adapter is left out: nothing here
// uses that.

// target starts a server and returns its address, or the address of the one that
// HIPFLASK_TEST_TARGET names in the form http://127.0.0.1:PORT.
func target(t *testing.T) string {
	t.Helper()
	if other := os.Getenv("HIPFLASK_TEST_TARGET"); other != "" {
		return strings.TrimSuffix(strings.TrimPrefix(other, "http://"), "/")
	}
	return harness.Start(t).Addr
}

// Fault: one frame ends the process, by WebSocket and by POST.
func TestFaultOneFrameEndsTheProcess(t *testing.T) {
	addr := target(t)
	unharmed := testkit.Bystander(t, addr)
	for _, packet := range []string{"42", "421"} {
		t.Run("WebSocket "+packet, func(t *testing.T) {
			c := testkit.JoinWebSocket(t, addr)
			c.Send(packet)
			c.Chats("still here after " + packet)
			unharmed(packet)
		})
		t.Run("POST "+packet, func(t *testing.T) {
			p := testkit.JoinPolling(t, addr, 4)
			p.Send(packet)
			p.Chats("still here after a POST of " + packet)
			unharmed("a POST of " + packet)
		})
	}
	t.Run("WebSocket 451-", func(t *testing.T) {
		c := testkit.JoinWebSocket(t, addr)
		c.Send("451-")
		c.Must(c.SendFrame(testkit.OpBinary, "attachment"))
		c.Chats("still here after 451-")
		unharmed("451-")
	})
	t.Run("POST 451-", func(t *testing.T) {
		p := testkit.JoinPolling(t, addr, 4)
		p.Send("451-", "bYXR0YWNobWVudA==")
		p.Chats("still here after a POST of 451-")
		unharmed("a POST of 451-")
	})
}

// numbered returns n messages, all different.
func numbered(n int) []string {
	packets := make([]string, n)
	for i := range packets {
		packets[i] = testkit.Message(fmt.Sprint("number ", i))
	}
	return packets
}

// Fault: a burst of broadcasts over WebSocket is lost.
func TestFaultBurstOfBroadcastsIsLost(t *testing.T) {
	const count = 2000
	addr := target(t)
	receivers := []*testkit.Client{testkit.JoinWebSocket(t, addr), testkit.JoinWebSocket(t, addr), testkit.JoinWebSocket(t, addr)}
	polling := testkit.JoinPolling(t, addr, 4)
	burst := numbered(count)
	receivers[0].Send(burst...)
	for i, c := range receivers {
		var got []string
		for len(got) < count {
			packet, err := c.Packet()
			if err != nil {
				t.Fatalf("receiver %d got %d of %d: %v", i, len(got), count, err)
			}
			got = append(got, packet)
		}
		testkit.CompareLines(t, got, burst)
	}
	polling.Hears(burst...)
}

// Fault: events of one client are handled out of order. The acks tell the order, even where
// broadcasts are lost.
func TestFaultEventsAreHandledOutOfOrder(t *testing.T) {
	const count = 2000
	c := testkit.JoinWebSocket(t, target(t))
	events := make([]string, count)
	for i := range events {
		events[i] = fmt.Sprintf(`42%d["message","number %d"]`, i, i)
	}
	c.Send(events...)
	for i := range events {
		want := fmt.Sprintf("43%d[]", i)
		got := ""
		for !strings.HasPrefix(got, "43") {
			var err error
			got, err = c.Packet()
			c.Must(err)
		}
		if got != want {
			t.Fatalf("the ack %q came when %q was due", got, want)
		}
	}
}

// Fault: the first events of a fast client are lost. These clients send CONNECT and an event before
// they have read anything, together with the handshake or right after its answer.
func TestFaultFirstEventsOfFastClientsAreLost(t *testing.T) {
	const count = 1000
	addr := target(t)
	for _, when := range []string{"with the handshake", "after the handshake"} {
		t.Run(when, func(t *testing.T) {
			observer, last := testkit.JoinWebSocket(t, addr), testkit.JoinWebSocket(t, addr)
			heard := make(chan error, 1)
			go func() { heard <- hearEachOnce(observer.WebSocket, when, count) }()
			err := testkit.Each(count, 8, func(i int) error {
				first := testkit.TextFrames("40", fmt.Sprintf(`427["message","%s %d"]`, when, i))
				if when == "with the handshake" {
					return fastClient(addr, first, nil)
				}
				return fastClient(addr, nil, first)
			})
			if err != nil {
				t.Error(err)
			}
			last.Send(testkit.Message("the end"))
			if err := <-heard; err != nil {
				t.Error(err)
			}
		})
	}
}

// fastClient writes bytes with the handshake and after it, awaits the ack of its event and closes.
func fastClient(addr string, with, after []byte) error {
	w, err := testkit.DialWebSocket(addr, testkit.WebSocketPath, with...)
	if err != nil {
		return err
	}
	defer w.Close()
	if err := w.WriteBytes(after); err != nil {
		return err
	}
	if _, err := w.SkipTo("437[]"); err != nil {
		return err
	}
	return w.WriteBytes(testkit.CloseFrame(1000))
}

// hearEachOnce listens for the first events of count clients until "the end".
func hearEachOnce(w *testkit.WebSocket, name string, count int) error {
	times := make(map[string]int, count)
	for {
		packet, err := w.Packet()
		if err != nil {
			return err
		}
		if packet == testkit.Message("the end") {
			break
		}
		times[packet]++
	}
	var wrong []string
	for i := range count {
		packet := testkit.Message(fmt.Sprint(name, " ", i))
		if n := times[packet]; n != 1 {
			wrong = append(wrong, fmt.Sprintf("%s was heard %d times", packet, n))
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%d of %d first events went wrong: %q", len(wrong), count, wrong[:min(len(wrong), 5)])
	}
	return nil
}

// Fault: any Origin may open a WebSocket.
func TestFaultAnyOriginMayOpenAWebSocket(t *testing.T) {
	addr := target(t)
	for _, origin := range []string{"http://evil.example", "null", "http://" + addr + ".evil.example"} {
		got := testkit.Exchange(t, addr, testkit.UpgradeRequest(addr, testkit.WebSocketPath, map[string][]string{"Origin": {origin}}))
		if len(got) != 1 || got[0].Status != 400 {
			t.Errorf("Origin %s was answered %v", origin, got)
		}
	}
}

// Fault: a clean WebSocket close leaves the TCP connection open for seconds.
func TestFaultCleanCloseLeavesTheConnectionOpen(t *testing.T) {
	addr := target(t)
	for _, code := range []int{1000, 1001, 3000, 4321} {
		c := testkit.JoinWebSocket(t, addr)
		c.SendBytes(testkit.CloseFrame(code))
		c.ClosedWith(code)
	}
	c := testkit.JoinWebSocket(t, addr)
	c.Must(c.SendFrame(testkit.OpClose, ""))
	c.ClosedWith(testkit.NoStatus)
}

// Fault: a close by the server sends no close frame. Here it closes because of an Engine.IO packet
// of an unknown type.
func TestFaultServerClosesWithoutACloseFrame(t *testing.T) {
	c := testkit.JoinWebSocket(t, target(t))
	c.Send("9")
	c.ClosedWith(1002)
}

// The same when the process ends: a close frame that says so, and for a poll an error upon which
// every client comes back.
func TestShutdownIsTold(t *testing.T) {
	t.Parallel()
	server := harness.Start(t)
	c, p := testkit.JoinWebSocket(t, server.Addr), testkit.JoinPolling(t, server.Addr, 4)
	server.Cancel()
	c.ClosedWith(1001)
	p.TurnedAway()
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
	testkit.CompareLines(t, server.Stdout.Lines(), []string{
		"Client connected", "Client connected", "Client disconnected", "Client disconnected",
	})
}

// Fault: invalid UTF-8 in a text frame is echoed.
func TestFaultInvalidUTF8IsEchoed(t *testing.T) {
	addr := target(t)
	unharmed := testkit.Bystander(t, addr)
	for _, text := range []string{"\xff", "\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc0\xaf"} {
		c := testkit.JoinWebSocket(t, addr)
		c.Send(`42["message","` + text + `"]`)
		var closed *testkit.ClosedError
		got, err := c.Packet()
		if !errors.As(err, &closed) || closed.Code != 1007 {
			t.Errorf("%q was answered %q, %v; want the close code 1007", text, got, err)
		}
	}
	unharmed("invalid UTF-8")
}

// Fault: an attachment count of 4,599,999,999 is accepted and waited for.
func TestFaultHugeAttachmentCountIsAccepted(t *testing.T) {
	c := testkit.JoinWebSocket(t, target(t))
	c.Send(`454599999999-["message",{"_placeholder":true,"num":0}]`)
	c.ClosedWith(1002)
}

// Fault: JSON after the JSON is accepted.
func TestFaultJunkAfterJSONIsAccepted(t *testing.T) {
	c := testkit.JoinWebSocket(t, target(t))
	for _, packet := range []string{`42["message","a"]junk`, `42["message","a"]["message","b"]`, `42["message","a"]]`, "42[\"message\",\"a\"]\x00"} {
		c.Send(packet, testkit.Message("afterwards"))
		if skipped, err := c.SkipTo(testkit.Message("afterwards")); err != nil || skipped > 0 {
			t.Errorf("%q was handled (%v)", packet, err)
		}
	}
}

// Fault: objects lose their key order, integers above 2^53 their digits.
func TestFaultKeyOrderAndBigIntegersAreLost(t *testing.T) {
	addr := target(t)
	receivers := []*testkit.Client{testkit.JoinWebSocket(t, addr), testkit.JoinWebSocket(t, addr)}
	for _, data := range []string{
		`{"zebra":1,"apple":{"y":[{"d":1,"c":2}],"x":null},"10":"a","9":"b"}`,
		`9007199254740993`, `[18446744073709551617,-9223372036854775809]`, `{"id":9007199254740993}`, `1.10`,
	} {
		packet := `42["message",` + data + `]`
		receivers[0].Send(packet)
		for _, c := range receivers {
			c.Hears(packet)
		}
	}
}

// Fault: a trailing ack that is passed on to a broadcast becomes a broadcast with ack: the others
// are sent its number.
func TestFaultAckTurnsIntoABroadcastWithAck(t *testing.T) {
	addr := target(t)
	other, sender := testkit.JoinWebSocket(t, addr), testkit.JoinWebSocket(t, addr)
	sender.Send(`4217["message","with an ack"]`)
	sender.Hears(testkit.Message("with an ack"), "4317[]")
	sender.Chats("afterwards")
	other.Hears(testkit.Message("with an ack"), testkit.Message("afterwards"))

	polling := testkit.JoinPolling(t, addr, 4)
	polling.Send(`4218["message","by polling"]`)
	polling.Hears(testkit.Message("by polling"), "4318[]")
	polling.Chats("after polling")
	other.Hears(testkit.Message("by polling"), testkit.Message("after polling"))
	sender.Hears(testkit.Message("by polling"), testkit.Message("after polling"))
}
