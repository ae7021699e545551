package main

import (
	"errors"
	"testing"

	"hipflask/handlers"
	"hipflask/server/hipflask"
	"hipflask/server/socketio"
)

// A client that reads gets volatile events as others, in their order; recovery knows
// nothing of them, so they carry no offset.
func TestVolatileEvents(t *testing.T) {
	server := startApp(t, func(app *hipflask.App) error {
		return errors.Join(handlers.Register(app), app.SocketIO.On("tell", func(c *socketio.Context) error {
			return errors.Join(c.To().Volatile().Emit("volatile", 1), c.To(c.ID()).Volatile().Local().Emit("volatile", 2))
		}))
	}, "--recovery", "1m")
	c := joinWS(t, server.Addr)
	c.send(`42["tell"]`)
	c.hears(`42["volatile",1]`, `42["volatile",2]`)
}
