// Command server is Hipflask: the Python chat server of the Flask-SocketIO
// example, in Go. It serves the Socket.IO clients that spoke to that one.
package main

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

	"hipflask/server/headroom"
	"hipflask/server/internal/app"
	"hipflask/server/internal/config"
	"hipflask/server/internal/lines"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	restore := headroom.Keep()
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	restore()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "hipflask:", err)
	}
	os.Exit(exitCode(err))
}

// exitCode is 2 for a wrong setting and 1 for what goes wrong later.
func exitCode(err error) int {
	var wrong *config.Error
	switch {
	case err == nil:
		return 0
	case errors.As(err, &wrong):
		return 2
	}
	return 1
}

// run is the whole program: it reads the settings, listens, logs the address and
// serves until ctx ends.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
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
		if err := app.Check(ctx, cfg); err != nil {
			return err
		}
		_, err = fmt.Fprintln(stdout, "hipflask: the settings are valid")
		return err
	case cfg.Healthcheck:
		return app.Healthcheck(ctx, cfg)
	}
	log, flush := startLog(cfg, stderr)
	defer flush()
	a, err := app.New(cfg, log, stdout)
	if err != nil {
		return err
	}
	l, err := a.Listen(ctx, getenv)
	if err != nil {
		return errors.Join(err, a.Close())
	}
	return a.Serve(ctx, l)
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
