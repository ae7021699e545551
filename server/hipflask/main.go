// Package hipflask is the whole server, for any main: settings from flags and the environment,
// signals, Socket.IO and what is served beside it, the drain. It owns the one list of who answers a
// request, the HTTP server around it, and the order in which everything starts and ends.
//
//	func main() { hipflask.Main(register) }
//
//	func register(app *hipflask.App) error {
//		app.Router.GET("/hello", func(c *gin.Context) { c.String(http.StatusOK, "hello") })
//		return app.SocketIO.On("message", func(message socketio.Value) error {
//			fmt.Fprintln(app.Stdout, "Received message:", message)
//			return app.SocketIO.Emit("message", message)
//		})
//	}
//
// [New] is for programs that have an http.Server already, package hipflasktest for unit tests.
package hipflask

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/gin-gonic/gin"

	"hipflask/server/headroom"
	"hipflask/server/internal/config"
)

// Main is the whole program: it runs until SIGINT or SIGTERM, and ends the process with its exit
// code. defaults are settings as on the command line, such as
// --port=8080, which hold where neither a flag nor a variable says otherwise. Its Flask
// counterpart is socketio.run(app).
func Main(register func(*App) error, defaults ...string) {
	signal.Ignore(syscall.SIGPIPE) // who read stdout has gone: an error of that write, see package lines
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	restore := headroom.Keep()
	err := Run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr, register, defaults...)
	restore()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "hipflask:", err)
	}
	os.Exit(ExitCode(err))
}

// ExitCode is 2 for a wrong setting and 1 for what goes wrong later.
func ExitCode(err error) int {
	var wrong *config.Error
	switch {
	case err == nil:
		return 0
	case errors.As(err, &wrong):
		return 2
	}
	return 1
}

// Run is [Main] without the process: it reads the settings, listens, logs the address and serves
// until ctx ends.
func Run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer, register func(*App) error, defaults ...string) error {
	gin.SetMode(gin.ReleaseMode) // else gin prints the routes on stdout
	cfg, err := config.Parse(args, getenv, defaults...)
	switch {
	case errors.Is(err, config.ErrHelp):
		_, err = io.WriteString(stdout, config.Usage())
		return err
	case errors.Is(err, config.ErrVersion):
		_, err = fmt.Fprintln(stdout, "hipflask", version())
		return err
	case err != nil:
		return err
	case cfg.Check:
		limits, err := check(ctx, cfg, register)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(stdout, "hipflask: the settings are valid; limits here: %v\n", limits)
		return err
	case cfg.Healthcheck:
		return healthcheck(ctx, cfg)
	}
	log, flush := startLog(cfg, stdout, stderr)
	defer flush()
	a, err := newServer(cfg, log, stdout, register)
	if err != nil {
		return err
	}
	l, err := a.listen(ctx, getenv)
	if err != nil {
		return errors.Join(err, a.giveUp())
	}
	return a.serve(ctx, l)
}
