package hipflask_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/gin-gonic/gin"

	"hipflask/server/hipflask"
	"hipflask/server/socketio"
)

// Flask: @app.route beside @socketio.on, and socketio.run(app).
func ExampleMain() {
	// func main() { hipflask.Main(Register) }
	register := func(app *hipflask.App) error {
		app.Router.GET("/rooms/:name", func(c *gin.Context) {
			c.JSON(http.StatusOK, app.SocketIO.To(c.Param("name")).Clients())
		})
		return app.SocketIO.On("join", func(c *socketio.Context, room string) { c.Join(room) })
	}
	if false { // it ends the process
		hipflask.Main(register)
	}
}

// A program with an http.Server of its own.
func ExampleNew() {
	register := func(app *hipflask.App) error {
		app.Router.GET("/hello", func(c *gin.Context) { c.String(http.StatusOK, "hello") })
		app.OnShutdown(func(context.Context) { fmt.Println("the database is closed") })
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	s, err := hipflask.New(ctx, hipflask.Options{Args: []string{"--page=false"}}, register)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	web := httptest.NewServer(s.Handler()) // or an http.Server
	resp, err := http.Get(web.URL + "/hello")
	if err == nil {
		fmt.Println(resp.Status)
		err = resp.Body.Close()
	}
	if err = errors.Join(err, s.Shutdown(ctx)); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	web.Close()
	// Output:
	// 200 OK
	// the database is closed
}
