// Package freeze owns what a freeze of the whole process (SIGSTOP, a virtual machine's pause) must
// not do: end clients for being silent whose bytes lie in the kernel. When the process goes on, all
// time limits that passed meanwhile are over before anything is read.
//
// The rule is one for all of them: a time limit whose end is noticed late begins anew, once. A
// processor that is too busy makes a client wait twice as long, at most.
package freeze

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// tolerance is how late a timer may be on a processor that is merely busy.
const tolerance = 20 * time.Millisecond

// Late reports whether what was due at this time is only noticed now because the process stood
// still.
func Late(due time.Time) bool { return time.Since(due) > tolerance }

// Limit is a time limit. It is not safe for concurrent use; the zero value is over.
type Limit struct {
	due     time.Time
	length  time.Duration
	renewed bool
}

// Begin begins a limit.
func Begin(length time.Duration) Limit {
	return Limit{due: time.Now().Add(length), length: length}
}

// Extend has the limit end later.
func (l *Limit) Extend(d time.Duration) { l.due = l.due.Add(d) }

// Left is to be asked when the limit should be over: it is how much time is left, 0 for none. It
// begins the limit anew if that is noticed late.
func (l *Limit) Left() time.Duration {
	if Late(l.due) && !l.renewed {
		l.due, l.renewed = time.Now().Add(l.length), true
	}
	return max(time.Until(l.due), 0)
}

// Within runs fn with a context that ends after length, and once more where that is noticed late:
// whom fn asks may have answered in time.
func Within(ctx context.Context, length time.Duration, fn func(context.Context) error) error {
	for limit := Begin(length); ; {
		once, cancel := context.WithTimeout(ctx, length)
		err := fn(once)
		late := once.Err() != nil && ctx.Err() == nil && limit.Left() > 0
		cancel()
		if err == nil || !late {
			return err
		}
	}
}

// Timer runs a function once its limit is over.
type Timer struct {
	f func()

	mu    sync.Mutex
	limit Limit
	timer *time.Timer
}

// AfterFunc runs f in a goroutine of its own once the limit is over.
func AfterFunc(length time.Duration, f func()) *Timer {
	t := &Timer{f: f, limit: Begin(length)}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.timer = time.AfterFunc(length, t.look)
	return t
}

// Reset has the limit begin again. It is not for a timer whose function has run.
func (t *Timer) Reset(length time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.limit = Begin(length)
	t.timer.Reset(length)
}

func (t *Timer) look() {
	t.mu.Lock()
	left := t.limit.Left()
	if left > 0 {
		t.timer.Reset(left)
	}
	t.mu.Unlock()
	if left <= 0 {
		t.f()
	}
}

// Listener is l, the deadlines of whose connections begin anew when they are noticed late.
func Listener(l net.Listener) net.Listener { return listener{l} }

type listener struct{ net.Listener }

func (l listener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &Conn{Conn: nc}, nil
}

// SyscallConn is that of the listener beneath.
func (l listener) SyscallConn() (syscall.RawConn, error) {
	if beneath, ok := l.Listener.(syscall.Conn); ok {
		return beneath.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// Conn is a connection that a [Listener] has accepted.
type Conn struct {
	net.Conn
	read, write deadline
}

// deadline is one of a connection.
type deadline struct {
	mu    sync.Mutex
	limit Limit // over when there is none, or it was set to be over at once
}

// set sets the deadline with apply.
func (d *deadline) set(t time.Time, apply func(time.Time) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.limit = Limit{renewed: true}
	if length := time.Until(t); !t.IsZero() && length > 0 {
		d.limit = Limit{due: t, length: length}
	}
	return apply(t)
}

// renew reports whether the deadline that err tells of begins anew.
func (d *deadline) renew(err error, apply func(time.Time) error) bool {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	left := d.limit.Left()
	return left > 0 && apply(d.limit.due) == nil
}

// Read is net.Conn's.
func (c *Conn) Read(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		if n > 0 || err == nil || !c.RenewRead(err) {
			return n, err
		}
	}
}

// Write is net.Conn's.
func (c *Conn) Write(p []byte) (n int, err error) {
	for {
		var m int
		m, err = c.Conn.Write(p[n:])
		n += m
		if err == nil || !c.write.renew(err, c.Conn.SetWriteDeadline) {
			return n, err
		}
	}
}

// ReadFrom is io.ReaderFrom's, for files that the kernel copies itself.
func (c *Conn) ReadFrom(r io.Reader) (int64, error) {
	if to, ok := c.Conn.(io.ReaderFrom); ok {
		return to.ReadFrom(r)
	}
	return io.Copy(struct{ io.Writer }{c}, r)
}

// Socket is the connection beneath, for a caller that reads and writes the socket itself, and asks
// RenewRead when a deadline has passed.
func (c *Conn) Socket() net.Conn { return c.Conn }

// RenewRead is for a caller that reads from the socket itself: it begins the deadline anew that err
// tells of, if that was noticed late, and reports whether it did.
func (c *Conn) RenewRead(err error) bool { return c.read.renew(err, c.Conn.SetReadDeadline) }

// SetReadDeadline is net.Conn's.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.read.set(t, c.Conn.SetReadDeadline) }

// SetWriteDeadline is net.Conn's.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.write.set(t, c.Conn.SetWriteDeadline) }

// SetDeadline is net.Conn's.
func (c *Conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// CloseWrite is net.TCPConn's and net.UnixConn's.
func (c *Conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}
