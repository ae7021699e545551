package clients

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"

	"hipflask/handlers"
	"hipflask/server/hipflask"
	"hipflask/server/internal/cluster/redistest"
)

// telling is the chat, and an event that has the server emit a long text to everybody, compressed
// or not.
func telling(app *hipflask.App) error {
	return errors.Join(handlers.Register(app), app.SocketIO.On("tell", func(text string, compress bool) error {
		return app.SocketIO.To().Compress(compress).Emit("told", text)
	}))
}

// polledEncoding polls as a browser does, and returns the answer's coding.
func polledEncoding(t *testing.T, p *testkit.Poller) string {
	t.Helper()
	got := p.Get(http.Header{"Accept-Encoding": {"gzip"}})
	if got.Status != http.StatusOK {
		t.Fatalf("polled %d %.200q", got.Status, got.Body)
	}
	return got.Header.Get("Content-Encoding")
}

// TestEmitsThatAreNotCompressed: what a handler does not want compressed is not, here and at the
// Hipflask and Node servers of the cluster.
func TestEmitsThatAreNotCompressed(t *testing.T) {
	redis := redistest.Start(t)
	ours := harness.StartApp(t, telling, "--message-queue", redis.URL())
	other := harness.StartMember(t, redis)
	node, addr := harness.StartNodeServer(t, redis)
	redis.AwaitSubscribers("socket.io-request#/#", 3)
	pollers := map[string]*testkit.Poller{
		"here": testkit.JoinPolling(t, ours.Addr, 4), "another server": testkit.JoinPolling(t, other.Addr, 4), "a Node server": testkit.JoinPolling(t, addr, 4),
	}
	speaker := testkit.JoinWebSocket(t, ours.Addr)
	long := strings.Repeat("long ", 1000)
	for _, test := range []struct{ compress, want string }{{"true", "gzip"}, {"false", ""}} {
		speaker.Send(`42["tell","` + long + `",` + test.compress + `]`)
		for where, p := range pollers {
			if got := polledEncoding(t, p); got != test.want {
				t.Errorf("%s: compress %s was sent as %q", where, test.compress, got)
			}
		}
	}
	for _, compress := range []bool{true, false} {
		node.Tell("emit", harness.Command{"event": "told", "args": []any{long}, "compress": compress})
		for where, p := range pollers {
			if got := polledEncoding(t, p); (got == "gzip") != compress {
				t.Errorf("Node's, %s: compress %v was sent as %q", where, compress, got)
			}
		}
	}
}

// Nor with recovery, which makes its own message of each event.
func TestEmitsThatAreNotCompressedWithRecovery(t *testing.T) {
	server := harness.StartApp(t, telling, "--recovery", "1m")
	p := testkit.JoinPolling(t, server.Addr, 4)
	speaker := testkit.JoinWebSocket(t, server.Addr)
	for _, test := range []struct{ compress, want string }{{"true", "gzip"}, {"false", ""}} {
		speaker.Send(`42["tell","` + strings.Repeat("long ", 1000) + `",` + test.compress + `]`)
		if got := polledEncoding(t, p); got != test.want {
			t.Errorf("compress %s was sent as %q", test.compress, got)
		}
	}
}
