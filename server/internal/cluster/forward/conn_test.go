package forward

import (
	"net"
	"testing"
	"time"
)

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

// TestDeadlinesAreExtended: a connection that is used has always so long left, and its deadlines
// are not set for each use.
func TestDeadlinesAreExtended(t *testing.T) {
	const timeout = time.Minute
	under := new(deadlines)
	c := &lively{Conn: under, timeout: timeout, begun: time.Now()}
	write := func() {
		t.Helper()
		if _, err := c.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if left := time.Until(under.set[len(under.set)-1]); left < timeout || left > timeout+timeout/8 {
			t.Errorf("%v is left", left)
		}
	}
	for range 10 {
		write()
	}
	c.begun = c.begun.Add(-timeout / 4) // that much later
	write()
	if len(under.set) != 2 {
		t.Errorf("the deadlines were set %d times", len(under.set))
	}
}
