//go:build unix

package harness

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hipflask/server/hipflask"
	"hipflask/server/internal/cluster/redistest"
	"hipflask/server/socketio"
	"hipflask/testdata/testkit"
)

// StartStreamsMember starts a server with the chat's handlers that hears the others through a
// stream, and returns what its handlers are written against.
func StartStreamsMember(t *testing.T, redis string, args ...string) (*Server, *socketio.Server) {
	t.Helper()
	var io *socketio.Server
	register := func(app *hipflask.App) error {
		io = app.SocketIO
		return io.On("message", func(message socketio.Value) error { return io.Emit("message", message) })
	}
	s := StartApp(t, register, append([]string{"--message-queue", redis, "--cluster-adapter", "redis-streams"}, args...)...)
	return s, io
}

// StartNodeStreams starts a Node server with the streams adapter, and returns once it reads the
// stream as the n-th server that does.
func StartNodeStreams(t *testing.T, redis *redistest.Server, n int) (*Helper, string) {
	t.Helper()
	node, addr := StartNodeServer(t, redis, "socket.io", "streams")
	awaitReaders(t, redis, n)
	redis.AwaitSubscribers("socket.io#/#", n)
	return node, addr
}

// awaitReaders waits until n servers wait for entries of the stream.
func awaitReaders(t *testing.T, redis *redistest.Server, n int) {
	t.Helper()
	for end := time.Now().Add(testkit.Deadline); !strings.Contains(fmt.Sprint(redis.Do("INFO", "clients")), fmt.Sprintf("blocked_clients:%d\r\n", n)); {
		if time.Now().After(end) {
			t.Fatalf("not %d servers read the stream within %v", n, testkit.Deadline)
		}
		time.Sleep(10 * time.Millisecond) // Redis tells nobody
	}
}
