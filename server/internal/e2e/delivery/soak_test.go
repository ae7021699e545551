package delivery

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hipflask/testdata/testkit"
)

// soakWay opens a connection and ends it in one way. Unless it says otherwise the client has been
// connected to "/" in between.
type soakWay struct {
	name         string
	notConnected bool
	do           func(s *soak) error
}

// soak is what the ways need.
type soak struct {
	addr string
	http *http.Client
}

// joined runs end for a client that is connected.
func joined(eio int, transport string, end func(c *testkit.LoadClient) error) func(*soak) error {
	return func(s *soak) error {
		c, err := testkit.JoinLoadClient(s.addr, eio, transport, s.http)
		if err != nil {
			return err
		}
		defer c.Cut()
		return end(c)
	}
}

// closedBy sends these bytes and reads to the end of the connection.
func closedBy(p []byte) func(c *testkit.LoadClient) error {
	return func(c *testkit.LoadClient) error {
		if err := c.WS.WriteBytes(p); err != nil {
			return err
		}
		_, err := c.WS.End()
		return err
	}
}

// abandoned leaves it to the server to notice.
func abandoned(*testkit.LoadClient) error { return nil }

// cutPoll ends a poll that waits.
func cutPoll(c *testkit.LoadClient) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
	defer cancel()
	_, err := c.Request(ctx, http.MethodGet, "")
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil // or a ping came first: the session is abandoned now
}

// probed begins an upgrade and stops there; changed completes it first.
func probed(c *testkit.LoadClient) error {
	ws, err := testkit.DialWebSocket(c.Addr, c.Target("websocket"), testkit.TextFrames("2probe")...)
	if err != nil {
		return err
	}
	defer ws.Close()
	return ws.Expect("3probe")
}

func changed(end func(c *testkit.LoadClient) error) func(c *testkit.LoadClient) error {
	return func(c *testkit.LoadClient) error {
		ws, err := testkit.DialWebSocket(c.Addr, c.Target("websocket"), testkit.TextFrames("2probe", "5", testkit.Message("upgraded"))...)
		if err != nil {
			return err
		}
		c.WS = ws
		if _, err := ws.SkipTo(testkit.Message("upgraded")); err != nil {
			return err
		}
		return end(c)
	}
}

func soakWays() []soakWay {
	return []soakWay{
		{name: "close frame", do: joined(4, "websocket", closedBy(testkit.CloseFrame(1000)))},
		{name: "close frame, EIO 3", do: joined(3, "websocket", closedBy(testkit.CloseFrame(1001)))},
		{name: "TCP cut", do: joined(4, "websocket", abandoned)},
		{name: "TCP cut, EIO 3", do: joined(3, "websocket", abandoned)},
		{name: "packet 41", do: joined(4, "websocket", func(c *testkit.LoadClient) error { return c.Send("41") })},
		{name: "packet 1", do: joined(4, "websocket", (*testkit.LoadClient).Leave)},
		{name: "packet 1, EIO 3", do: joined(3, "websocket", (*testkit.LoadClient).Leave)},
		{name: "packet 1 by POST", do: joined(4, "polling", (*testkit.LoadClient).Leave)},
		{name: "packet 1 by POST, EIO 3", do: joined(3, "polling", (*testkit.LoadClient).Leave)},
		{name: "packets 41 and 1 by POST", do: joined(4, "polling", func(c *testkit.LoadClient) error { return c.Send("41", "1") })},
		{name: "polling abandoned", do: joined(4, "polling", abandoned)},
		{name: "polling abandoned, EIO 3", do: joined(3, "polling", abandoned)},
		{name: "poll cut", do: joined(4, "polling", cutPoll)},
		{name: "upgrade abandoned", do: joined(4, "polling", probed)},
		{name: "upgraded and cut", do: joined(4, "polling", changed(abandoned))},
		{name: "upgraded and left, EIO 3", do: joined(3, "polling", changed((*testkit.LoadClient).Leave))},
		{name: "closed by the server for a broken frame", do: joined(4, "websocket", closedBy([]byte{0xff, 0xff}))},
		{name: "closed by the server for a broken packet", do: joined(4, "websocket", closedBy(testkit.TextFrames("9")))},
		{name: "closed by the server for a broken POST", do: joined(4, "polling", func(c *testkit.LoadClient) error {
			if c.Send("9") == nil {
				return errors.New("a broken packet was accepted")
			}
			return nil
		})},
		{name: "never connected", notConnected: true, do: func(s *soak) error {
			c, err := testkit.OpenLoadClient(s.addr, 4, "polling", s.http)
			if err == nil {
				err = c.Send("1")
			}
			return err
		}},
		{name: "never connected, TCP cut", notConnected: true, do: func(s *soak) error {
			c, err := testkit.OpenLoadClient(s.addr, 4, "websocket", s.http)
			if err == nil {
				c.Cut()
			}
			return err
		}},
		{name: "plain WebSocket", do: func(s *soak) error {
			ws, err := testkit.DialWebSocket(s.addr, "/", testkit.MaskedFrame(testkit.FinBit|testkit.OpText, "plain")...)
			if err != nil {
				return err
			}
			defer ws.Close()
			if _, err := ws.SkipTo("plain"); err != nil {
				return err
			}
			if err := ws.WriteBytes(testkit.CloseFrame(1000)); err != nil {
				return err
			}
			_, err = ws.End()
			return err
		}},
	}
}

// usage is what must not grow.
type usage struct {
	goroutines, descriptors int
	heap                    uint64
}

// measured takes stock after a garbage collection.
func measured(t *testing.T) usage {
	t.Helper()
	u := usage{goroutines: runtime.NumGoroutine(), descriptors: descriptors(t)}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	u.heap = m.HeapAlloc
	return u
}

// descriptors counts this process's open files.
func descriptors(t *testing.T) int {
	t.Helper()
	if runtime.GOOS != "linux" {
		return 0 // no /proc to count them in; goroutines and heap tell on other systems
	}
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(open)
}

// soakSize is how many connections come and go: 20,000 where there is time for it.
func soakSize() int {
	if os.Getenv("CI") == "true" || os.Getenv("HIPFLASK_TEST_SOAK") != "" {
		return 20_000
	}
	return 2000
}

// Connections that came and went, in every way there is, leave nothing behind; and each connect is
// followed by one disconnect.
func TestSoak(t *testing.T) {
	const (
		atOnce = 32
		warmUp = 20 // of each way, for what is allocated once
		// What may differ between two quiet moments: the runtime's own, idle HTTP connections that
		// are about to end, buffers in pools.
		fewGoroutines, fewDescriptors = 10, 10
		littleHeap                    = 4 << 20
	)
	lines := new(loadLines)
	addr, _ := loadServer(t, lines, "--ping-interval", "4s", "--ping-timeout", "4s",
		"--upgrade-timeout", "2s")
	s := &soak{addr: addr, http: testkit.LoadHTTP(t)}
	expected := 0 // connects
	come := func(n int) {
		t.Helper()
		ways := soakWays()
		if err := testkit.Each(n, atOnce, func(i int) error {
			way := ways[i%len(ways)]
			if err := way.do(s); err != nil {
				return fmt.Errorf("%s: %w", way.name, err)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
		for i := range n {
			if !ways[i%len(ways)].notConnected {
				expected++
			}
		}
	}
	// awaitUsage waits until all are gone and the usage is within a bound.
	awaitUsage := func(ok func(usage) bool) usage {
		t.Helper()
		// Memory, goroutines and descriptors are asked for: they tell nobody.
		for deadline := time.Now().Add(2 * testkit.Deadline); ; time.Sleep(50 * time.Millisecond) {
			s.http.CloseIdleConnections()
			connected, disconnected := lines.counts()
			u := measured(t)
			if connected == expected && disconnected == expected && ok(u) {
				return u
			}
			if time.Now().After(deadline) {
				var stacks bytes.Buffer
				_ = pprof.Lookup("goroutine").WriteTo(&stacks, 1)
				t.Fatalf("%d connects and %d disconnects of %d; %+v\n%s", connected, disconnected, expected, u, testkit.Tail(stacks.String()))
			}
		}
	}

	come(warmUp * len(soakWays()))
	lowest := usage{1 << 30, 1 << 30, 1 << 62}
	for range 20 { // quiet once everything is, for a while, as low as it gets
		u := awaitUsage(func(usage) bool { return true })
		lowest = usage{min(lowest.goroutines, u.goroutines), min(lowest.descriptors, u.descriptors), min(lowest.heap, u.heap)}
	}
	t.Logf("before: %+v", lowest)

	began := time.Now()
	n := soakSize()
	come(n)
	took := time.Since(began)
	after := awaitUsage(func(u usage) bool {
		return u.goroutines <= lowest.goroutines+fewGoroutines && u.descriptors <= lowest.descriptors+fewDescriptors &&
			u.heap <= lowest.heap+littleHeap
	})
	t.Logf("after %d connections in %v, and %v more: %+v", n, took.Round(time.Millisecond),
		(time.Since(began) - took).Round(time.Millisecond), after)
}

// pairs checks, once the server has stopped, that there were so many connects and as many
// disconnects.
func pairs(t *testing.T, lines *loadLines, want int) {
	t.Helper()
	if connected, disconnected := lines.counts(); connected != want || disconnected != want {
		t.Errorf("%d connects and %d disconnects, want %d", connected, disconnected, want)
	}
}

// A namespace's name that the library takes for another one: for Engine.IO 3 it reads names as
// URLs. Its answer must not be waited for in vain.
func TestNamespaceInDisguise(t *testing.T) {
	for _, name := range []string{"/#x", "/?#x", "//", "/%2f", "/%", "/;"} {
		t.Run(name, func(t *testing.T) {
			lines := new(loadLines)
			addr, stop := loadServer(t, lines, "--shutdown-timeout", "3s")
			c, err := testkit.JoinLoadClient(addr, 3, "websocket", nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.WS.WriteBytes(testkit.TextFrames("41", "40"+name+",", "1")); err != nil {
				t.Fatal(err)
			}
			if _, err := c.WS.End(); err != nil {
				t.Error(err)
			}
			c.Cut()
			stop()
			connected, _ := lines.counts()
			pairs(t, lines, max(connected, 1))
		})
	}
}

// A connect handler that takes longer than a client has for its first CONNECT: the client may be
// refused, but then its disconnect is told like any other.
func TestConnectTimeoutDuringTheConnectHandler(t *testing.T) {
	t.Parallel()
	held := &heldLines{open: make(chan struct{})}
	opened := sync.OnceFunc(func() { close(held.open) })
	addr, stop := loadServer(t, held, "--connect-timeout", "1s", "--max-backlog", "64MiB")
	t.Cleanup(opened)
	filler, err := testkit.JoinLoadClient(addr, 4, "websocket", nil)
	if err != nil {
		t.Fatal(err)
	}
	// The handlers wait from here on: stdout takes nothing, and what is kept for it is full when
	// messages are answered no more.
	var heard atomic.Int64
	go func() {
		for {
			if _, err := filler.Next(); err != nil {
				return
			}
			heard.Add(1)
		}
	}()
	const fill = 300
	for i := range fill {
		if err := filler.SendUnlimited(testkit.Message(loadText(0, i, 10_000))); err != nil {
			t.Fatal(err)
		}
	}
	// That nothing comes any more is no event.
	for last, still := int64(-1), 0; still < 40; time.Sleep(25 * time.Millisecond) {
		if now := heard.Load(); now != last {
			last, still = now, 0
		} else {
			still++
		}
	}
	if n := heard.Load(); n == fill {
		t.Fatal("the handlers do not wait for stdout")
	}
	late, err := testkit.OpenLoadClient(addr, 4, "websocket", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := late.Send("40"); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := late.WS.End()
		ended <- err
	}()
	select {
	case err := <-ended: // refused
		if err != nil {
			t.Error(err)
		}
	case <-time.After(3 * time.Second): // or waited for, which is as good
	}
	opened()
	late.Cut()
	filler.Cut()
	stop()
	pairs(t, &held.loadLines, 2)
}
