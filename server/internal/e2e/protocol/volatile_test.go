package protocol

import (
	"errors"
	"testing"

	"hipflask/handlers"
	"hipflask/server/hipflask"
	"hipflask/server/internal/e2e/harness"
	"hipflask/server/socketio"
	"hipflask/testdata/testkit"
)

// A client that reads gets volatile events as others, in their order; recovery knows nothing of
// them, so they carry no offset.
func TestVolatileEvents(t *testing.T) {
	server := harness.StartApp(t, func(app *hipflask.App) error {
		return errors.Join(handlers.Register(app), app.SocketIO.On("tell", func(c *socketio.Context) error {
			return errors.Join(c.To().Volatile().Emit("volatile", 1), c.To(c.ID()).Volatile().Local().Emit("volatile", 2))
		}))
	}, "--recovery", "1m")
	c := testkit.JoinWebSocket(t, server.Addr)
	c.Send(`42["tell"]`)
	c.Hears(`42["volatile",1]`, `42["volatile",2]`)
}
