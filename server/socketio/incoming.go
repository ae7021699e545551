package socketio

import (
	"errors"
	"time"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/packet"
)

var errTooMuch = errors.New("too much memory for all clients together")

// decode takes one message with the decoder's method take. It returns no packet while
// attachments are still to come.
func (c *conn) decode(take func(*packet.Decoder, []byte) (*packet.Packet, error), data []byte) (*packet.Packet, error) {
	in := &c.incoming
	in.mu.Lock()
	defer in.mu.Unlock()
	p, err := take(&in.decoder, data)
	if held := in.decoder.Held(); (held > 0 || in.taken > 0) && !c.awaitsLocked(held) {
		err = errTooMuch
	}
	return p, err
}

// awaitsLocked changes what is taken to held, and starts or stops the clock. It reports
// whether there is room; if not, the packet is forgotten.
func (c *conn) awaitsLocked(held int) bool {
	in, timeout := &c.incoming, c.server.opts.AttachmentTimeout
	more := held - in.taken
	if in.over || more > 0 && !c.server.memory.TakeHalf(more) {
		c.forgetLocked()
		return in.over // then there is nobody to tell
	}
	if more < 0 {
		c.server.memory.Give(-more)
	}
	switch {
	case held == 0:
		in.timer.Stop()
	case in.taken > 0:
	default:
		in.due = time.Now().Add(timeout)
		if in.timer == nil {
			in.timer = time.AfterFunc(timeout, c.attachmentsMissing)
		} else {
			in.timer.Reset(timeout)
		}
	}
	in.taken = held
	return true
}

// forgetLocked lets go of a packet that awaits attachments.
func (c *conn) forgetLocked() {
	in := &c.incoming
	c.server.memory.Give(in.taken)
	in.taken = 0
	in.decoder = packet.Decoder{Limits: in.decoder.Limits}
	if in.timer != nil {
		in.timer.Stop()
	}
}

// awaitNoMore is for the end of the session.
func (c *conn) awaitNoMore() {
	c.incoming.mu.Lock()
	defer c.incoming.mu.Unlock()
	c.incoming.over = true
	c.forgetLocked()
}

// attachmentsMissing ends a session whose packet did not become whole in time.
func (c *conn) attachmentsMissing() {
	c.incoming.mu.Lock()
	// The timer may have fired for the packet before.
	late := c.incoming.taken > 0 && !time.Now().Before(c.incoming.due)
	c.incoming.mu.Unlock()
	if late {
		c.session.Warn(engineio.CauseAttachments, "client closed: attachments of a packet did not come in time",
			"limit", c.server.opts.AttachmentTimeout)
		c.session.Close(engineio.ServerClose)
	}
}
