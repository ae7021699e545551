// Package hipflask is the whole server, for any main: settings from flags and the
// environment, signals, Socket.IO and what is served beside it, the drain. It owns the
// one list of routes, the HTTP server around them, and the order in which everything
// starts and ends.
//
//	func main() { hipflask.Main(register) }
//
//	func register(app *hipflask.App) error {
//		return app.SocketIO.On("message", func(message socketio.Value) error {
//			fmt.Fprintln(app.Stdout, "Received message:", message)
//			return app.SocketIO.Emit("message", message)
//		})
//	}
package hipflask

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"hipflask/server/flasksession"
	"hipflask/server/headroom"
	"hipflask/server/internal/config"
	"hipflask/server/internal/lines"
	"hipflask/server/socketio"
)

// App is what an application is registered with. Its Flask counterparts are app and
// socketio.
type App struct {
	SocketIO *socketio.Server // handlers of events
	Stdout   io.Writer        // what handlers print; nobody waits for who reads it

	// Sessions are Flask's, for routes; nil without a secret key, when nothing is found
	// and nothing can be saved. Their cookie has Flask's default attributes: where the
	// Flask application sets others, such as SESSION_COOKIE_DOMAIN, a program makes its
	// own with flasksession.New. Flask: session.
	Sessions *flasksession.Sessions
}

// Main is the whole program: it runs until SIGINT or SIGTERM, and ends the process
// with its exit code. Its Flask counterpart is socketio.run(app).
func Main(register func(*App) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	restore := headroom.Keep()
	err := Run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr, register)
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

// Run is [Main] without the process: it reads the settings, listens, logs the address
// and serves until ctx ends.
func Run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer, register func(*App) error) error {
	cfg, err := config.Parse(args, getenv)
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
		if err := check(ctx, cfg, register); err != nil {
			return err
		}
		_, err = fmt.Fprintln(stdout, "hipflask: the settings are valid")
		return err
	case cfg.Healthcheck:
		return healthcheck(ctx, cfg)
	}
	log, flush := startLog(cfg, stderr)
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

// flushTimeout is how long the end waits for a stderr that nobody reads.
const flushTimeout = time.Second

// startLog makes the log. Nobody waits for a line of it: a terminal that somebody
// has stopped would stop the server. flush writes what is left and ends it.
func startLog(cfg *config.Config, stderr io.Writer) (log *slog.Logger, flush func()) {
	w := lines.Losing(stderr, func(lost int) []byte {
		var line bytes.Buffer
		logger(cfg, &line).Warn("log lines lost: stderr was not read for too long", "lines", lost)
		return line.Bytes()
	})
	return logger(cfg, w), func() {
		ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
		defer cancel()
		_ = w.Close(ctx)
	}
}

func logger(cfg *config.Config, stderr io.Writer) *slog.Logger {
	opts := &slog.HandlerOptions{Level: cfg.LogLevel}
	if cfg.LogFormat == config.LogJSON {
		return slog.New(slog.NewJSONHandler(stderr, opts))
	}
	return slog.New(slog.NewTextHandler(stderr, opts))
}
