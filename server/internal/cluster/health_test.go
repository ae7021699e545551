package cluster

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// A connection that broke and came back while nobody looked is another one.
func TestHealthKnowsAnOutageThatIsOver(t *testing.T) {
	h := newHealth(slog.New(slog.DiscardHandler), "redis://", func() uint64 { return 0 })
	h.hears(nil)
	epoch, err := h.awaitConnection(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h.hears(errors.New("broken"))
	h.hears(nil)
	h.resume(epoch)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if !h.awaitOutage(ctx, epoch) {
		t.Error("the outage was not noticed")
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if h.awaitResumed(over) == nil {
		t.Error("the new connection was taken for the old one")
	}
	epoch, _ = h.awaitConnection(t.Context())
	h.resume(epoch)
	if err := h.awaitResumed(ctx); err != nil {
		t.Error(err)
	}
}

func TestHealthLogsAnOutageTwice(t *testing.T) {
	var log strings.Builder
	dropped := uint64(3)
	h := newHealth(slog.New(slog.NewTextHandler(&log, nil)), "redis://", func() uint64 { return dropped })
	broken := errors.New("broken")
	for _, step := range []func(){
		func() { h.hears(nil) }, func() { h.speaks(nil) }, func() { h.speaks(broken) }, func() { h.hears(broken) }, func() { h.hears(broken) },
		func() { dropped = 10 }, func() { h.hears(nil) }, func() { h.speaks(broken) }, func() { h.speaks(nil) },
	} {
		step()
	}
	text := log.String()
	if n := strings.Count(text, "\n"); n != 3 || !strings.Contains(text, "connected") || !strings.Contains(text, "is away") ||
		!strings.Contains(text, "dropped=7") || h.count() != 1 || h.err() != nil {
		t.Errorf("%d lines:\n%s", n, text)
	}
}
