package freeze

import (
	"context"
	"errors"
	"testing"
	"time"
)

// What was late because this process had no processor is tried once more, and not again.
func TestWithin(t *testing.T) {
	calls := 0
	late := func(ctx context.Context) error {
		calls++
		<-ctx.Done()
		time.Sleep(10 * tolerance) // as if it stood still
		return ctx.Err()
	}
	if err := Within(t.Context(), time.Millisecond, late); !errors.Is(err, context.DeadlineExceeded) || calls != 2 {
		t.Errorf("always late: %d calls, %v", calls, err)
	}
	calls = 0
	err := Within(t.Context(), time.Millisecond, func(ctx context.Context) error {
		if calls == 1 {
			return nil
		}
		return late(ctx)
	})
	if err != nil || calls != 1 {
		t.Errorf("late once: %d calls, %v", calls, err)
	}
	refused := errors.New("refused")
	calls = 0
	if err := Within(t.Context(), time.Hour, func(context.Context) error { calls++; return refused }); err != refused || calls != 1 {
		t.Errorf("refused: %d calls, %v", calls, err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	calls = 0
	if err := Within(over, time.Hour, late); !errors.Is(err, context.Canceled) || calls != 1 {
		t.Errorf("nobody waits: %d calls, %v", calls, err)
	}
}
