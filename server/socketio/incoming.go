package socketio

import (
	"errors"
	"time"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/packet"
	"hipflask/server/internal/packet/msgpack"
)

var (
	errTooMuch = errors.New("too much memory for all clients together")
	errForm    = errors.New("the first packet was in another form")
)

const (
	formUnknown form = iota // until the first packet of a client that speaks first
	formText                // text, with attachments of their own
	formMsgpack             // socket.io-msgpack-parser's: each packet one binary message
)

// recogniseLocked takes a session's first packet, which is binary, and so a CONNECT by
// socket.io-msgpack-parser.
func (c *conn) recogniseLocked(data []byte) (*packet.Packet, error) {
	p, err := msgpack.Decode(data, c.incoming.decoder.Limits)
	if !isConnect(p, err) {
		return nil, notConnect(err)
	}
	c.incoming.form = formMsgpack
	c.session.Pack()
	return p, nil
}

func isConnect(p *packet.Packet, err error) bool { return err == nil && p.Type == packet.Connect }

// notConnect is why a binary message is not a session's first packet. One that was to be a CONNECT,
// or breaks a limit, ends the session as ever.
func notConnect(err error) error {
	var refused *packet.Error
	if errors.As(err, &refused) && (refused.Connect || refused.Limit != "") {
		return err
	}
	return &packet.Error{Reason: "the first message is binary, and no CONNECT of socket.io-msgpack-parser"}
}

// pack makes what a client of socket.io-msgpack-parser is sent of a packet.
func (s *Server) pack(dst, text []byte, attachments [][]byte) []byte {
	dst, err := msgpack.Repack(dst, text, attachments)
	if err != nil { // not of what package packet has written
		s.log.Error("packet not sent as msgpack", "error", err)
		return nil
	}
	return dst
}

// decode takes one message in the form that the session's packets have. It returns no packet while
// attachments are still to come.
func (c *conn) decode(data []byte, binary bool) (*packet.Packet, error) {
	in := &c.incoming
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.form == formUnknown && binary {
		return c.recogniseLocked(data)
	}
	if in.form == formMsgpack {
		if !binary {
			return nil, errForm
		}
		return msgpack.Decode(data, in.decoder.Limits)
	}
	in.form = formText
	return c.decodeTextLocked(data, binary)
}

// decodeTextLocked takes a packet's text, or an attachment.
func (c *conn) decodeTextLocked(data []byte, attachment bool) (*packet.Packet, error) {
	in, take := &c.incoming, (*packet.Decoder).Text
	if attachment {
		if in.decoder.Held() == 0 && isConnect(msgpack.Decode(data, in.decoder.Limits)) {
			return nil, errForm
		}
		take = (*packet.Decoder).Binary
	}
	p, err := take(&in.decoder, data)
	if held := in.decoder.Held(); (held > 0 || in.taken > 0) && !c.awaitsLocked(held) {
		err = errTooMuch
	}
	return p, err
}

// awaitsLocked changes what is taken to held, and starts or stops the clock. It reports whether
// there is room; if not, the packet is forgotten.
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
