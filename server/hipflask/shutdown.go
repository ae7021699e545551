package hipflask

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

// shutdownFuncs are the functions of OnShutdown.
type shutdownFuncs struct {
	mu    sync.Mutex
	funcs []func(context.Context)
}

func (e *shutdownFuncs) add(f func(context.Context)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.funcs = append(e.funcs, f)
}

// reserve ends a fifth before ctx does, where there are functions that need that.
func (e *shutdownFuncs) reserve(ctx context.Context) (context.Context, context.CancelFunc) {
	e.mu.Lock()
	defer e.mu.Unlock()
	deadline, ok := ctx.Deadline()
	if !ok || len(e.funcs) == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-time.Until(deadline)/5))
}

// run runs the functions once, the last one first. Each has its part of the time that is left, so
// that one that hangs takes nothing from the others.
func (e *shutdownFuncs) run(ctx context.Context, log *slog.Logger) error {
	e.mu.Lock()
	funcs := e.funcs
	e.funcs = nil
	e.mu.Unlock()
	late := 0
	for i, f := range slices.Backward(funcs) {
		part, cancel := ctx, context.CancelFunc(func() {})
		if deadline, ok := ctx.Deadline(); ok {
			part, cancel = context.WithTimeout(ctx, time.Until(deadline)/time.Duration(i+1))
		}
		if !finished(part, log, f) {
			late++
		}
		cancel()
	}
	if late > 0 {
		return fmt.Errorf("%d functions of OnShutdown: %w", late, errors.New("have not returned"))
	}
	return nil
}

// finished runs f and reports whether it has returned before ctx ended.
func finished(ctx context.Context, log *slog.Logger, f func(context.Context)) bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				log.Error("function of OnShutdown panicked", "panic", p, "stack", string(debug.Stack()))
			}
		}()
		f(ctx)
	}()
	select {
	case <-done:
		return true
	case <-ctx.Done():
		return false
	}
}
