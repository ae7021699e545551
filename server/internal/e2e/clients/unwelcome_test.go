package clients

import (
	"slices"
	"testing"

	"hipflask/server/hipflask"
	"hipflask/server/internal/e2e/harness"
	"hipflask/server/socketio"
	"hipflask/testdata/testkit"
)

// Disconnect in a connect handler is what Flask's is, to every client: it is connected, gets what
// it was sent, and is disconnected by the server.
func TestDisconnectInTheConnectHandlerAndNpmClients(t *testing.T) {
	testkit.NeedNode(t)
	for _, client := range testkit.ClientVersions() {
		for _, mode := range []string{"websocket", "polling"} {
			t.Run(client+"/"+mode, func(t *testing.T) {
				t.Parallel()
				server := harness.StartApp(t, func(app *hipflask.App) error {
					return app.SocketIO.On("connect", func(c *socketio.Context) error {
						err := c.Emit("message", "bye")
						c.Disconnect()
						return err
					})
				})
				process := testkit.StartScript(t, "unwelcome.mjs", testkit.ScriptConfig{URL: server.URL, Client: client, Mode: mode})
				var over struct{ Seen []string }
				testkit.FindReport(t, process.Finish(t), "unwelcome", "over", &over)
				if want := []string{"connect", "message bye", "disconnect io server disconnect"}; !slices.Equal(over.Seen, want) {
					t.Errorf("it saw %q, want %q", over.Seen, want)
				}
			})
		}
	}
}
