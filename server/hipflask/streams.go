package hipflask

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"hipflask/server/internal/advice"
	"hipflask/server/internal/config"
	"hipflask/server/internal/lines"
	"hipflask/server/internal/sparse"
)

// What becomes of stdout, which has the lines that handlers print, and of stderr, which has the
// log, when they cannot be written: each says of the other what it has lost.

// flushTimeout is how long the end waits for a stream that nobody reads, at least.
const flushTimeout = time.Second

// startLog makes the log. Nobody waits for a line of it: a terminal that somebody has stopped would
// stop the server. flush writes what is left and ends it.
func startLog(cfg *config.Config, stdout, stderr io.Writer) (log *slog.Logger, flush func()) {
	w := lines.Losing(stderr, func(lost int) []byte {
		var line bytes.Buffer
		slog.New(logHandler(cfg, &line)).Warn("log lines lost: stderr was not read for too long, or could not be written", "lines", lost)
		return line.Bytes()
	})
	bounded := sparse.New(advice.New(logHandler(cfg, w), cfg, advice.Flag), time.Now)
	return slog.New(bounded), func() {
		bounded.Flush()
		closeInTime(w)
		if lost, err := w.Lost(); err != nil && lost > 0 {
			last := lines.Waiting(stdout, nil)
			_, _ = fmt.Fprintf(last, "hipflask: %d log lines were lost: stderr: %v\n", lost, err)
			closeInTime(last)
		}
	}
}

// advised is a log whose lines about what was not accepted name the settings to change, and which
// is bounded. That of startLog is both.
func advised(cfg *config.Config, log *slog.Logger) *slog.Logger {
	if _, is := log.Handler().(*sparse.Handler); !is {
		log = slog.New(advice.New(log.Handler(), cfg, advice.Flag))
	}
	return sparse.Logger(log)
}

func closeInTime(w *lines.Writer) {
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	_ = w.Close(ctx) // there is nobody left to tell
}

func logHandler(cfg *config.Config, stderr io.Writer) slog.Handler {
	opts := &slog.HandlerOptions{Level: cfg.LogLevel}
	if cfg.LogFormat == config.LogJSON {
		return slog.NewJSONHandler(stderr, opts)
	}
	return slog.NewTextHandler(stderr, opts)
}

// stdoutTrouble logs that what handlers print cannot be written, and that it can be again.
func (a *server) stdoutTrouble(t lines.Trouble) {
	switch {
	case t.Gone:
		a.log.Error("nobody reads stdout any more: what handlers print is lost from now on; clients are served as before",
			"error", t.Err, "lines_lost", t.Lost)
	case t.Err != nil:
		a.log.Error("stdout cannot be written: what handlers print waits, and is lost when it gets too much; clients are served as before",
			"error", t.Err)
	default:
		a.log.Warn("stdout can be written again", "lines_lost", t.Lost)
	}
}

// closeLines writes what handlers have printed. It has a moment for that even if the time to shut
// down is over: what only waits to be gathered is not lost.
func (a *server) closeLines(ctx context.Context) error {
	least := time.Now().Add(flushTimeout)
	if end, bounded := ctx.Deadline(); bounded && end.Before(least) {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(context.WithoutCancel(ctx), least)
		defer cancel()
	}
	return a.lines.Close(ctx)
}

var errUnread = errors.New("nobody read it")

// lostLines is the error that ends the process with exit code 1: lines that handlers printed never
// reached stdout.
func (a *server) lostLines() error {
	lost, err := a.lines.Lost()
	if lost == 0 {
		return nil
	}
	if err == nil {
		err = errUnread
	}
	return fmt.Errorf("%d lines that handlers printed were lost: stdout: %w", lost, err)
}
