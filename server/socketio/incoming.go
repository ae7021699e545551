package socketio

import (
	"errors"
	"time"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/locks"
	"hipflask/server/internal/packet"
)

// incoming makes packets of a session's messages. What it holds of one whose
// attachments are still to come is taken from the memory for clients, and has its time.
type incoming struct {
	mu      locks.Incoming
	decoder packet.Decoder
	over    bool        // the session is: nothing is held any more
	taken   int         // 0: no attachments are awaited
	due     time.Time   // when they have to be there
	timer   *time.Timer // nil until some were awaited once
}

var errTooMuch = errors.New("too much memory for all clients together")

// decode takes one message with the decoder's method take.
func (c *conn) decode(take func(*packet.Decoder, []byte) (*packet.Packet, error), data []byte) error {
	in := &c.incoming
	in.mu.Lock()
	p, err := take(&in.decoder, data)
	if held := in.decoder.Held(); (held > 0 || in.taken > 0) && !c.awaits(held) {
		err = errTooMuch
	}
	in.mu.Unlock()
	return c.decoded(p, err)
}

// awaits changes what is taken to held, and starts or stops the clock. It reports
// whether there is room; if not, the packet is forgotten. The mutex is held.
func (c *conn) awaits(held int) bool {
	in, timeout := &c.incoming, c.server.opts.AttachmentTimeout
	more := held - in.taken
	if in.over || more > 0 && !c.server.memory.TakeHalf(more) {
		c.forget()
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

// forget lets go of a packet that awaits attachments. The mutex is held.
func (c *conn) forget() {
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
	c.forget()
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

// tooMuch ends a session that has sent what there is no room for: an event that is
// left out would be missed in silence.
func (c *conn) tooMuch() {
	c.session.WarnMemory()
	c.session.Close(engineio.ServerClose)
}

// decoded passes a packet on. A malformed one is logged and forgotten, as Flask
// does; one that breaks a limit ends the session, and so does a malformed CONNECT: its
// client would wait for an answer until a timeout.
func (c *conn) decoded(p *packet.Packet, err error) error {
	var refused *packet.Error
	switch {
	case err == nil && p == nil: // attachments are still to come
		return nil
	case err == nil:
		c.accept(p)
		return nil
	case errors.Is(err, errTooMuch):
		c.tooMuch()
		return nil
	case errors.As(err, &refused) && refused.Limit != "":
		return &engineio.BoundError{Bound: refused.Limit, Err: err}
	case refused != nil && refused.Connect:
		c.session.Warn(engineio.CauseMalformed, "client closed: malformed CONNECT", "error", err)
		c.session.Close(engineio.ServerClose)
		return nil
	}
	c.session.Warn(engineio.CauseMalformed, "packet ignored: malformed", "error", err)
	return nil
}
