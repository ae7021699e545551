package accepted

import (
	"context"
	"syscall"
	"time"
)

const (
	// backlogTime is how long a listener that is closed goes on to accept, at most.
	backlogTime = 50 * time.Millisecond
	// backlogTick is how often it is looked whether anything is left: nobody tells.
	backlogTick = time.Millisecond
)

// Close first has accepted what the kernel holds ready, at most for backlogTime: it would reset
// those connections, whose requests may be on the way already.
func (l *listener) Close() error {
	if beneath, ok := l.Listener.(syscall.Conn); ok {
		if raw, err := beneath.SyscallConn(); err == nil {
			for end := time.Now().Add(backlogTime); hasBacklog(raw) && time.Now().Before(end); {
				time.Sleep(backlogTick)
			}
		}
	}
	return l.Listener.Close()
}

// AwaitRequests waits until a request has come over each connection, or ctx ends. It is for a
// listener that is closed: net/http does not answer what it reads once it shuts down.
func (c *Conns) AwaitRequests(ctx context.Context) {
	tick := time.NewTicker(backlogTick)
	defer tick.Stop()
	for silent := true; silent; {
		silent = len(c.silent()) > 0
		select {
		case <-tick.C: // once more at the end: net/http has just been told of the last request
		case <-ctx.Done():
			return
		}
	}
}
