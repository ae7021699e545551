//go:build unix

package cluster

import (
	"fmt"
	"strings"
	"testing"

	"hipflask/server/hipflask"
	"hipflask/server/internal/cluster/redistest"
	"hipflask/server/internal/e2e/harness"
	"hipflask/server/socketio"
	"hipflask/testdata/testkit"
)

// startStreams starts a server that hears the others through a stream, and returns what its
// handlers are written against.
func startStreams(t *testing.T, url string, args ...string) (*harness.Server, *socketio.Server) {
	t.Helper()
	var io *socketio.Server
	s := harness.StartApp(t, func(app *hipflask.App) error {
		io = app.SocketIO
		return io.On("message", func(message socketio.Value) error { return io.Emit("message", message) })
	}, append([]string{"--message-queue", url, "--cluster-adapter", "redis-streams"}, args...)...)
	return s, io
}

// emitNumbered emits "FROM text" to "TO-1 text".
func emitNumbered(t *testing.T, io *socketio.Server, from, to int, text string) {
	t.Helper()
	for n := from; n < to; n++ {
		if err := io.Emit("message", fmt.Sprint(n, " ", text)); err != nil {
			t.Fatal(err)
		}
	}
}

// heardNumbered reads what emitNumbered emits.
func heardNumbered(next func() (string, error), from, to int) error {
	for n := from; n < to; n++ {
		got, err := next()
		if want := fmt.Sprintf(`42["message","%d `, n); err != nil || !strings.HasPrefix(got, want) {
			return fmt.Errorf("heard %.40q, want number %d: %w", got, n, err)
		}
	}
	return nil
}

// TestStreamsBurstAfterAnOutage: what has waited for Redis is many times what may wait for one
// client. Clients that read are sent it no faster than they take it.
func TestStreamsBurstAfterAnOutage(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	s, io := startStreams(t, redis.URL()+"?socket_timeout=0.5")
	over, polling := testkit.JoinWebSocket(t, s.Addr), testkit.JoinPolling(t, s.Addr, 4)
	const before, all = 10, 300
	text := strings.Repeat("x", 20<<10)
	emitNumbered(t, io, 0, before, text)
	redis.Freeze()
	emitNumbered(t, io, before, all, text)
	s.Stderr.WaitText(t, "Redis is away")
	redis.Thaw()
	heard := make(chan error, 1)
	go func() { heard <- heardNumbered(over.Packet, 0, all) }()
	if err := heardNumbered(func() (string, error) { return polling.Next(), nil }, 0, all); err != nil {
		t.Error(err)
	}
	if err := <-heard; err != nil { // each read has a time limit
		t.Error(err)
	}
}

// TestStreamsBurstPastAClientThatDoesNotRead: it is dropped, and the others have everything.
func TestStreamsBurstPastAClientThatDoesNotRead(t *testing.T) {
	redis := redistest.Start(t)
	s, io := startStreams(t, redis.URL()+"?socket_timeout=0.5")
	reads, stuck := testkit.JoinWebSocket(t, s.Addr), testkit.JoinWebSocket(t, s.Addr)
	const all = 1000
	redis.Freeze()
	emitNumbered(t, io, 0, all, strings.Repeat("x", 20<<10))
	s.Stderr.WaitText(t, "Redis is away")
	redis.Thaw()
	if err := heardNumbered(reads.Packet, 0, all); err != nil {
		t.Error(err)
	}
	s.Stderr.WaitText(t, "client dropped: it reads too slowly")
	if err := heardNumbered(stuck.Packet, 0, all); err == nil {
		t.Error("who did not read has everything")
	}
}
