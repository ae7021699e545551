// Command presence shows who is there, live, whichever server of a cluster each one is at:
//
//	redis-server --port 6379
//	PRESENCE_NAME=one go run ./handlers/examples/presence --port 5000 --message-queue redis://127.0.0.1
//	PRESENCE_NAME=two go run ./handlers/examples/presence --port 5001 --message-queue redis://127.0.0.1
//
// Who opens http://127.0.0.1:5000 and who opens http://127.0.0.1:5001 see each other.
//
//	client → server
//	  connect, auth {name}                refused: why
//	  "status" text                       acknowledged with "", or why not
//
//	server → client
//	  "people" [{name, server, status}, ...], complete   when it has changed; complete is false
//	                                                     when a server did not say who is there
package main

import (
	"cmp"
	"embed"
	"errors"
	"os"

	"github.com/gin-gonic/gin"

	"hipflask/server/hipflask"
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

	s := app.SocketIO
	p := &presence{socketio: s, server: cmp.Or(os.Getenv("PRESENCE_NAME"), "one"), changed: make(chan struct{}, 1)}
	s.OnJoin(p.moved)
	s.OnLeave(p.moved)
	s.OnServers("changed", p.handleChanged)
	s.Go(p.keepTelling)
	return errors.Join(
		s.On("connect", p.handleConnect),
		s.On("status", p.handleStatus),
	)
}
