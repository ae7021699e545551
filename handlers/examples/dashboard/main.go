// Command dashboard shows what a background task measures every second, and what
// others announce by HTTP:
//
//	go run ./handlers/examples/dashboard
//	curl -H "Authorization: Bearer $TOKEN" --data "Lunch is ready" http://127.0.0.1:5000/announce
//
// The token is DASHBOARD_TOKEN's, or a new one that is printed at the start.
//
//	server → client
//	  "values" {clients, goroutines, heapMiB, uptime}   every second
//	  "announcements" [{at, text}, ...]                 to the one that came: the last ones
//	  "announcement" {at, text}                         to all
package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

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

	token := os.Getenv("DASHBOARD_TOKEN")
	if token == "" {
		token = rand.Text()
		fmt.Fprintln(app.Stdout, "The token of POST /announce:", token)
	}
	d := &dashboard{socketio: app.SocketIO, begun: time.Now()}
	d.news = announcements{socketio: app.SocketIO, token: sha256.Sum256([]byte(token))}
	app.Router.POST("/announce", d.news.handlePost)
	app.SocketIO.Go(d.measureEvery(time.Second))
	return errors.Join(
		app.SocketIO.On("connect", d.handleConnect),
		app.SocketIO.On("disconnect", d.handleDisconnect),
	)
}

type dashboard struct {
	socketio *socketio.Server
	begun    time.Time
	clients  atomic.Int64
	news     announcements
}

func (d *dashboard) handleConnect(c *socketio.Context) error {
	d.clients.Add(1)
	return errors.Join(c.Emit("values", d.measure()), d.news.tell(c))
}

func (d *dashboard) handleDisconnect() { d.clients.Add(-1) }

// measureEvery returns the background task.
func (d *dashboard) measureEvery(interval time.Duration) func(context.Context) {
	return func(ctx context.Context) {
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				_ = d.socketio.Emit("values", d.measure()) // such values can always be written
			}
		}
	}
}
