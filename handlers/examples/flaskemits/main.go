// Command flaskemits shows orders whose state a Flask application changes: it emits to
// the clients here through Redis, in one line, from a route, a Celery task or a script.
//
//	redis-server --save "" &
//	python3 handlers/examples/flaskemits/flask_app.py &
//	go run ./handlers/examples/flaskemits --backend http://127.0.0.1:8000 --message-queue redis://127.0.0.1:6379/0
//
//	client → server
//	  "watch" number   an order; the one before is watched no more; acknowledged when that is done
//
//	Flask → client
//	  "order" {number, state}   to who watches it
package main

import (
	"embed"
	"fmt"

	"github.com/gin-gonic/gin"

	"hipflask/server/hipflask"
	"hipflask/server/socketio"
)

//go:embed page
var files embed.FS

func main() { hipflask.Main(Register) }

// Register registers the application.
func Register(app *hipflask.App) error {
	app.Router.Use(func(c *gin.Context) { c.Header("Content-Security-Policy", "default-src 'self'; img-src data:") })
	if err := app.Files(files, "page"); err != nil {
		return err
	}
	return app.SocketIO.On("watch", handleWatch)
}

// handleWatch puts the client into the room that Flask emits to. An application with
// customers would ask here whether the order is theirs.
func handleWatch(c *socketio.Context, number uint32) {
	if before, watches := c.Get("room").(string); watches {
		c.Leave(before)
	}
	room := fmt.Sprintf("order %d", number)
	c.Join(room)
	c.Set("room", room)
}
