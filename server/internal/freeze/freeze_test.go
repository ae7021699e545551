package freeze

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// The clock of these tests stands still unless one sleeps. To sleep past the end of a limit is what
// a freeze looks like. A real one is in server: TestHardeningFreeze.

func TestLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := Begin(time.Minute)
		time.Sleep(50 * time.Second)
		if left := l.Left(); left != 10*time.Second {
			t.Errorf("%v are left of a minute after 50s", left)
		}
		l.Extend(5 * time.Second)
		time.Sleep(15*time.Second + tolerance)
		if left := l.Left(); left != 0 {
			t.Errorf("%v are left at the end", left)
		}

		l = Begin(time.Minute)
		for _, want := range []time.Duration{time.Minute, 0} { // once, and no more
			time.Sleep(time.Minute + tolerance + 1)
			if left := l.Left(); left != want {
				t.Errorf("noticed late: %v are left, want %v", left, want)
			}
		}
	})
}

func TestAfterFunc(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, ran := time.Now(), make(chan time.Duration)
		AfterFunc(time.Minute, func() { ran <- time.Since(start) })
		if after := <-ran; after != time.Minute {
			t.Errorf("it ran after %v", after)
		}
	})
}

// timeouts is a connection that answers each read and write with what it was given, and a
// deadline's error when there is nothing more.
type timeouts struct {
	net.Conn
	reads, writes []string
}

func (c *timeouts) SetReadDeadline(time.Time) error  { return nil }
func (c *timeouts) SetWriteDeadline(time.Time) error { return nil }

func (c *timeouts) Read(p []byte) (int, error) {
	if len(c.reads) == 0 || c.reads[0] == "" {
		c.reads = c.reads[min(1, len(c.reads)):]
		return 0, os.ErrDeadlineExceeded
	}
	n := copy(p, c.reads[0])
	c.reads = c.reads[1:]
	return n, nil
}

func (c *timeouts) Write(p []byte) (int, error) {
	n := (len(p) + 1) / 2
	c.writes = append(c.writes, string(p[:n]))
	if n < len(p) {
		return n, os.ErrDeadlineExceeded
	}
	return n, nil
}

func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := &timeouts{reads: []string{"", "late"}}
		c := &Conn{Conn: inner}
		buf := make([]byte, 10)
		_ = c.SetReadDeadline(time.Now().Add(time.Second))
		time.Sleep(2 * time.Second)
		if n, err := c.Read(buf); string(buf[:n]) != "late" || err != nil {
			t.Errorf("read %q, %v after a freeze", buf[:n], err)
		}
		time.Sleep(2 * time.Second)
		if _, err := c.Read(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the deadline begins anew for the second time: %v", err)
		}
		// A deadline that is to end a read at once does.
		inner.reads = []string{"", "no"}
		_ = c.SetReadDeadline(time.Unix(1, 0))
		time.Sleep(time.Second)
		if _, err := c.Read(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a deadline in the past: %v", err)
		}

		_ = c.SetDeadline(time.Now().Add(time.Second))
		time.Sleep(2 * time.Second)
		if n, err := io.WriteString(c, "ab"); n != 2 || err != nil {
			t.Errorf("wrote %d bytes of %q, %v, want the rest after the deadline as well", n, inner.writes, err)
		}
	})
}
