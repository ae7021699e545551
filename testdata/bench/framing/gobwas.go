package main

import (
	"bufio"
	"io"
	"net"
	"net/http"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// gobwas is the server with gobwas/ws. Its compiled frames are bytes for the net.Conn, so they can
// be joined. Reading goes straight from the socket, a read for each part of a frame, or with a
// bufio.Reader for each connection.
type gobwas struct {
	buffered bool
	members[net.Conn]
	joined []byte
}

func (s *gobwas) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, _, _, err := ws.UpgradeHTTP(r, w)
	if err != nil {
		return
	}
	s.add(c)
	var source io.Reader = c
	if s.buffered {
		source = bufio.NewReaderSize(c, 1<<10)
	}
	go func() {
		_ = echoFrames(c, source)
		c.Close()
	}()
}

func echoFrames(c net.Conn, source io.Reader) error {
	onControl := wsutil.ControlFrameHandler(c, ws.StateServerSide)
	rd := &wsutil.Reader{
		Source: source, State: ws.StateServerSide, CheckUTF8: true, MaxFrameSize: readLimit, OnIntermediate: onControl,
	}
	for {
		h, err := rd.NextFrame()
		if err != nil {
			return err
		}
		if h.OpCode.IsControl() {
			if err := onControl(h, rd); err != nil {
				return err
			}
			continue
		}
		var room [256]byte
		var payload []byte
		if h.Fin && h.Length <= int64(len(room)) {
			payload = room[:h.Length]
			_, err = io.ReadFull(rd, payload)
			if err == nil {
				err = rd.Discard()
			}
		} else {
			payload, err = io.ReadAll(rd)
		}
		if err != nil {
			return err
		}
		// wsutil.WriteServerMessage would write the header and the payload each by itself.
		frame, err := ws.CompileFrame(ws.NewFrame(h.OpCode, true, payload))
		if err == nil {
			_, err = c.Write(frame)
		}
		if err != nil {
			return err
		}
	}
}

func (s *gobwas) broadcast(payload []byte, times int) error {
	frame, err := ws.CompileFrame(ws.NewTextFrame(payload))
	if err != nil {
		return err
	}
	return s.each(func(c net.Conn) error {
		p := frame
		if times > 1 {
			s.joined = s.joined[:0]
			for range times {
				s.joined = append(s.joined, frame...)
			}
			p = s.joined
		}
		_, err := c.Write(p)
		return err
	})
}
