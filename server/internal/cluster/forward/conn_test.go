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

// deadlines notes those that are set.
type deadlines struct {
	net.Conn
	set []time.Time
}

func (c *deadlines) SetDeadline(t time.Time) error {
	c.set = append(c.set, t)
	return nil
}

func (c *deadlines) Write(p []byte) (int, error) { return len(p), nil }

// TestDeadlinesAreExtended: a connection that is used has always so long left, and its
// deadlines are not set for each use.
func TestDeadlinesAreExtended(t *testing.T) {
	const patience = time.Minute
	under := new(deadlines)
	c := &lively{Conn: under, patience: patience, begun: time.Now()}
	write := func() {
		t.Helper()
		if _, err := c.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if left := time.Until(under.set[len(under.set)-1]); left < patience || left > patience+patience/8 {
			t.Errorf("%v is left", left)
		}
	}
	for range 10 {
		write()
	}
	c.begun = c.begun.Add(-patience / 4) // that much later
	write()
	if len(under.set) != 2 {
		t.Errorf("the deadlines were set %d times", len(under.set))
	}
}
