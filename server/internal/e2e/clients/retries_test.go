package clients

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"hipflask/server/hipflask"
	"hipflask/server/internal/e2e/harness"
	"hipflask/server/socketio"
	"hipflask/testdata/testkit"
)

// The newest client's option retries, without ackTimeout, wants a null: an event that is
// acknowledged without arguments is sent three times, one with a null once.
func TestAcknowledgementsForRetries(t *testing.T) {
	testkit.NeedNode(t)
	var mu sync.Mutex
	var handled []string
	note := func(event string, answer any) any {
		return func() any {
			mu.Lock()
			defer mu.Unlock()
			handled = append(handled, event)
			return answer
		}
	}
	server := harness.StartApp(t, func(app *hipflask.App) error {
		s := app.SocketIO
		return errors.Join(
			s.On("nothing", note("nothing", nil)),
			s.On("null", note("null", socketio.Args{nil})),
			s.On("with a value", note("with a value", socketio.Args{nil, "stored"})),
		)
	})
	var got []string
	for _, r := range testkit.RunScript(t, "retries.mjs", testkit.ScriptConfig{URL: server.URL, Client: testkit.NewestClient, Mode: "websocket"}) {
		got = append(got, fmt.Sprintf("%s %s", r.Event, r.Args))
	}
	if want := []string{"nothing [null]", "null [null]", `with a value [null,"stored"]`}; !slices.Equal(got, want) {
		t.Errorf("the client's callbacks got %q, want %q", got, want)
	}
	mu.Lock()
	defer mu.Unlock()
	if want := []string{"nothing", "nothing", "nothing", "null", "with a value"}; !slices.Equal(handled, want) {
		t.Errorf("handled were %q, want %q", handled, want)
	}
}
