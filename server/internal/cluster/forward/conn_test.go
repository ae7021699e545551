package forward

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"
)

// TestConnectingWhileThisProcessStoodStill: a server is not taken for gone because this one
// had no processor for a second.
func TestConnectingWhileThisProcessStoodStill(t *testing.T) {
	here, there := net.Pipe()
	defer here.Close()
	defer there.Close()
	for name, c := range map[string]struct {
		late time.Duration // how late the end of the time is noticed
		want int           // calls
	}{"at once": {0, 1}, "late": {100 * time.Millisecond, 2}} {
		calls := 0
		conn, err := connecting(t.Context(), func(ctx context.Context) (net.Conn, error) {
			if calls++; calls == 2 {
				return here, nil
			}
			<-ctx.Done()
			time.Sleep(c.late)
			return nil, ctx.Err()
		})
		if name == "at once" && calls == 2 {
			continue // the machine was that slow
		}
		if calls != c.want || (conn == nil) != (c.want == 1) {
			t.Errorf("%s: %d calls, %v", name, calls, err)
		}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := connecting(gone, func(ctx context.Context) (net.Conn, error) { return nil, ctx.Err() }); !errors.Is(err, context.Canceled) {
		t.Errorf("a request that is over: %v", err)
	}
}
