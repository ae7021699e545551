package main

import (
	"testing"

	"hipflask/server/hipflask/hipflasktest"
	"hipflask/server/socketio/socketiotest"
)

func TestOneOrderIsWatched(t *testing.T) {
	app := hipflasktest.New(t, Register)
	c := socketiotest.Connect(t, app.SocketIO, socketiotest.Options{})
	c.Call("watch", 17)
	c.Call("watch", 18)
	for _, room := range []string{"order 17", "order 18"} { // as Flask does
		if err := app.SocketIO.To(room).Emit("order", room); err != nil {
			t.Fatal(err)
		}
	}
	if got := c.Next().String(); got != `order ["order 18"]` {
		t.Errorf("received %s", got)
	}
}
