package hardening

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hipflask/handlers"
	"hipflask/server/hipflask"
	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// Attacks with names of namespaces, where Of("*") stands for any.

func registerAnyNamespace(app *hipflask.App) error {
	if err := handlers.Register(app); err != nil {
		return err
	}
	return app.SocketIO.Of("*").On("ping", func() int { return 1 })
}

// Attack: so many namespaces are brought into being that nobody else gets a new one, and then
// abandoned. They are forgotten with the clients that were in them; their refusals take five lines
// a second of the log.
func TestHardeningNamespacesAreForgotten(t *testing.T) {
	const connections, each = 81, 125 // more than the 10,000 that there can be
	server := harness.StartApp(t, registerAnyNamespace)
	began := time.Now()
	var clients []*testkit.Client
	refused := 0
	for i := range connections {
		c := testkit.JoinWebSocket(t, server.Addr)
		clients = append(clients, c)
		var ask []string
		for n := range each {
			ask = append(ask, fmt.Sprintf("40/%d-%d,", i, n))
		}
		c.Send(ask...)
		for range each {
			answer, err := c.Packet()
			c.Must(err)
			if strings.HasPrefix(answer, "44/") {
				refused++
			}
		}
	}
	if refused != connections*each-10_000 {
		t.Errorf("%d were refused, want %d", refused, connections*each-10_000)
	}
	for _, c := range clients {
		_ = c.Close()
	}
	other := testkit.JoinWebSocket(t, server.Addr)
	// Nobody tells a client that there is room again: it asks.
	for end := time.Now().Add(testkit.Deadline); ; time.Sleep(10 * time.Millisecond) {
		other.Send("40/new,")
		answer, err := other.Packet()
		other.Must(err)
		if strings.HasPrefix(answer, "40/new,") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("nobody gets a new namespace: %s", answer)
		}
	}
	most := 5 * (int(time.Since(began).Seconds()) + 2)
	server.End()
	if n := strings.Count(server.Stderr.String(), "namespace refused"); n == 0 || n > most {
		t.Errorf("%d lines of %d refusals are in the log, want 1 to %d", n, refused, most)
	}
}
