package engineio

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"hipflask/server/internal/engineio/payload"
)

// noopDelay is how long a poll that comes in while an upgrade is under way may
// wait: the client ends its polling before it upgrades, so every poll must end.
const noopDelay = 100 * time.Millisecond

// toldDelay is how long before its poll a client gets to read why its session ended: the
// two come over different connections, and it reads them in an order of its own.
const toldDelay = 300 * time.Millisecond

// poll is a GET that waits for something to send.
type poll struct {
	wake  chan struct{} // capacity 1
	noop  bool          // answer at once, with a noop packet if with nothing else
	ended chan struct{} // closed at its end; nil unless another server has passed it on
}

// wakePoll wakes the waiting poll, if there is one. The mutex is held.
func (s *Session) wakePoll() {
	if s.poll == nil {
		return
	}
	select {
	case s.poll.wake <- struct{}{}:
	default:
	}
}

// serveGET answers a poll with all that waits, or waits for something to come.
func (s *Session) serveGET(w http.ResponseWriter, r *http.Request, q url.Values) {
	if s.repeat(w, r) {
		return
	}
	p := &poll{wake: make(chan struct{}, 1)}
	if from := forwardedFrom(r); from != "" {
		p.ended = make(chan struct{})
		defer close(p.ended)
		kept := &passed{ResponseWriter: w, uri: r.RequestURI, from: from}
		defer s.keepPassed(kept)
		w = kept
	}
	s.mu.Lock()
	switch {
	case s.conn != nil || s.state == stateClosed:
		s.mu.Unlock()
		s.srv.refuse(w, r, codeBadRequest, "the session no longer polls")
		return
	case s.poll != nil:
		s.mu.Unlock()
		s.srv.refuse(w, r, codeBadRequest, "a second poll while one was waiting")
		s.abort(TransportError)
		return
	}
	s.poll, s.abandoned = p, false
	noReadLimit(w)
	ok := s.await(p, r)
	upgraded := s.conn != nil
	a := &answer{response: http.NewResponseController(w)}
	if ok {
		s.begin(a, s.takePoll())
		a.last = a.portions[0].Message == s.srv.packets.close
		if a.last && s.isToComeBack() {
			a.comeBack = s.reason
		}
	}
	s.poll = nil
	s.mu.Unlock()
	if !ok {
		if !upgraded && !isForwarded(r) {
			s.end(TransportClose)
		}
		return
	}
	written := a.respond(w, r, q)
	a.finish(written)
	if written && a.last {
		s.end(ServerClose)
	}
}

// isToComeBack reports whether the session ended by nobody's wish, so that its client
// is to open another. Python's takes the close packet for a goodbye and stays away; an
// answer that is an error all clients take for a cut. The mutex is held.
func (s *Session) isToComeBack() bool { return s.reason == ServerShutdown || s.reason == PingTimeout }

// takePoll takes what a poll is answered with. The close packet, which is last, goes
// in an answer of its own: socket.io's clients act on it before they act on what came
// with it, and lose acks by that. Who closed the session itself is sent a noop, as by the
// official server. The mutex is held.
func (s *Session) takePoll() []portion {
	if s.conn != nil { // the upgrade came first, and the queue is the WebSocket's
		return []portion{{s.srv.packets.noop, 1}}
	}
	most := 0
	if s.protocol == 4 {
		most = maxPacketsV4
	}
	portions := s.takeAnswer(most, s.srv.packets.close)
	switch {
	case len(portions) > 0:
		return portions
	case s.state != stateOpen && s.reason != ClientDisconnect:
		return []portion{{s.srv.packets.close, 1}}
	}
	return []portion{{s.srv.packets.noop, 1}}
}

// format is how the session's polls are answered. Engine.IO 3 without b64 is always
// sent bytes: its browser clients before 1.4 read nothing else.
func (s *Session) format(isJSONP bool) payload.Format {
	switch {
	case s.protocol == 3 && isJSONP:
		return payload.V3JSONP
	case s.protocol == 3 && s.base64Only:
		return payload.V3
	case s.protocol == 3:
		return payload.V3Binary
	case isJSONP:
		return payload.V4JSONP
	}
	return payload.V4
}

// await waits until the last answer is written and there is something to answer p with.
// It is called with the mutex held and returns so; false means that the client gave the
// poll up.
func (s *Session) await(p *poll, r *http.Request) bool {
	var noop <-chan time.Time
	if s.probed {
		t := time.NewTimer(noopDelay)
		defer t.Stop()
		noop = t.C
	}
	for s.answer != nil || s.telling || s.queued == 0 && s.state == stateOpen && !p.noop {
		s.mu.Unlock()
		gone, over := false, false
		select {
		case <-p.wake:
		case <-noop:
			over = true
		case <-r.Context().Done():
			gone = true
		}
		s.mu.Lock()
		if gone {
			return false
		}
		p.noop = p.noop || over
	}
	return true
}

// jsonpIndex returns the number of the callback that a JSONP poll names.
func jsonpIndex(q url.Values) (string, bool) {
	if !q.Has("j") {
		return "", false
	}
	digits := strings.Map(func(c rune) rune {
		if c < '0' || c > '9' {
			return -1
		}
		return c
	}, q.Get("j"))
	return digits, true
}

// servePOST reads a payload and hands its packets on before it answers.
func (s *Session) servePOST(w http.ResponseWriter, r *http.Request, q url.Values) {
	s.mu.Lock()
	busy, polling := s.posting, s.conn == nil && s.state != stateClosed
	if polling && !busy {
		s.posting = true
	}
	s.mu.Unlock()
	switch {
	case !polling:
		s.srv.refuse(w, r, codeBadRequest, "the session no longer polls")
		return
	case busy:
		s.endWith(w, r, TransportError, func() {
			s.srv.refuse(w, r, codeBadRequest, "a second POST while one was being read")
		})
		return
	}
	err := s.readPayload(w, r, q)
	if err == nil { // what came in is handled; the next POST comes with the answer
		s.pause(longestAnswer, r.Context().Done())
	}
	s.mu.Lock()
	s.posting = false
	s.mu.Unlock()
	s.answerPOST(w, r, err)
}

// answerPOST answers a POST, and ends the session if that broke a rule: with the
// WebSocket, if one took over meanwhile.
func (s *Session) answerPOST(w http.ResponseWriter, r *http.Request, err error) {
	var tooLarge *http.MaxBytesError
	switch {
	case err == nil || errors.Is(err, errClosed):
		h := w.Header()
		h.Set("Content-Type", "text/html")
		h.Set("Cache-Control", "no-store")
		s.srv.limitAnswer(w)           // the client may have been held back for long
		_, _ = io.WriteString(w, "ok") // a client that is gone is noticed by its next poll
		if err != nil {
			s.abort(ClientDisconnect)
		}
	case errors.Is(err, errNoRoom):
		s.WarnMemory()
		turnAway(w, http.StatusServiceUnavailable, "The server is short of memory")
		s.abort(TransportError)
	case errors.As(err, &tooLarge):
		s.srv.refusals.tooLarge(s, "POST body")
		s.endWith(w, r, TransportError, func() {
			h := w.Header()
			h.Set("Content-Type", "text/plain; charset=UTF-8")
			h.Set("Content-Length", strconv.Itoa(len(bodyTooLarge)))
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			_, _ = io.WriteString(w, bodyTooLarge)
		})
	default:
		s.srv.refusals.broken(s, err)
		s.endWith(w, r, ParseError, func() { s.srv.refuse(w, r, codeBadRequest, "malformed payload") })
	}
}

const bodyTooLarge = "the message is larger than this server takes\n"

// endWith ends the session with an answer to a POST that says why. The waiting poll ends
// behind that answer, unless the client gives it up: which of the two it reads first it
// takes for the reason.
func (s *Session) endWith(w http.ResponseWriter, r *http.Request, reason Reason, answer func()) {
	s.mu.Lock()
	s.telling = true
	s.mu.Unlock()
	s.abort(reason)
	response := http.NewResponseController(w)
	_ = response.SetWriteDeadline(time.Now().Add(goodbyeTimeout))
	answer()
	err := response.Flush()
	_ = response.SetWriteDeadline(time.Time{})
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.poll != nil && err == nil {
		s.mu.Unlock()
		head := time.NewTimer(toldDelay)
		defer head.Stop()
		select {
		case <-head.C:
		case <-r.Context().Done():
		}
		s.mu.Lock()
	}
	s.telling = false
	s.wakePoll()
}

// readPayload reads the body of a POST and handles its packets.
func (s *Session) readPayload(w http.ResponseWriter, r *http.Request, q url.Values) error {
	cfg := &s.srv.cfg
	_, isJSONP := jsonpIndex(q)
	limit := int64(cfg.MaxMessage)
	if isJSONP {
		limit = 3*limit + 2 // percent-encoded
	}
	if r.ContentLength > limit {
		return &http.MaxBytesError{Limit: limit} // no need to read that to know
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(cfg.BodyTimeout))
	body, held, err := s.readBody(http.MaxBytesReader(w, r.Body, limit), r.ContentLength)
	defer cfg.Memory.Give(held) // when its packets have been taken, which may have to wait
	noReadLimit(w)
	s.meter.bytesIn.Add(uint64(len(body)))
	if err != nil {
		return err
	}
	s.countBytes(len(body))
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	w.Header().Del("Connection") // "close", if it was there because of an unread body
	binary := media == "application/octet-stream"
	if isJSONP {
		if body, err = jsonpData(body); err != nil {
			return err
		}
		if len(body) > cfg.MaxMessage {
			return &http.MaxBytesError{Limit: int64(cfg.MaxMessage)}
		}
	}
	switch {
	case s.protocol == 4 && binary:
		return payload.ErrMalformed
	case s.protocol == 4:
		return payload.DecodeV4(body, cfg.MaxPayloadPackets, (*payloadSink)(s))
	case binary:
		return payload.DecodeV3Binary(body, cfg.MaxPayloadPackets, (*payloadSink)(s))
	}
	return payload.DecodeV3(body, cfg.MaxPayloadPackets, (*payloadSink)(s))
}

// smallBody is the longest body that is not counted, in bytes: no more than net/http keeps
// for the connection. Where others have filled the memory, short events still get in.
const smallBody = 4 << 10

// readBody reads the body of a POST. What a longer one takes is taken from the memory for
// clients, for the caller to give back: a client may let the end of a body wait for as
// long as BodyTimeout.
func (s *Session) readBody(from io.Reader, length int64) (body []byte, held int, err error) {
	if length < 0 || length >= smallBody {
		length = smallBody - 1
	}
	body = make([]byte, 0, length+1) // with room to find that nothing follows
	for {
		n, err := from.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case errors.Is(err, io.EOF):
			return body, held, nil
		case err != nil:
			return body, held, err
		case len(body) < cap(body):
			continue
		}
		size := 2 * cap(body)
		if !s.srv.cfg.Memory.TakeHalf(size - held) {
			return nil, held, errNoRoom
		}
		held = size
		body = append(make([]byte, 0, size), body...)
	}
}

// payloadSink is a session as what takes a payload's packets.
type payloadSink Session

func (p *payloadSink) Text(packet []byte) error { return (*Session)(p).textPacket(packet) }
func (p *payloadSink) Binary(data []byte) error { return (*Session)(p).binaryPacket(data) }

// jsonpData takes the payload out of the form that a JSONP client posts. It
// wrote newlines as \n and what looked like an escaped newline as \\n.
func jsonpData(body []byte) ([]byte, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil || !form.Has("d") {
		return nil, payload.ErrMalformed
	}
	return []byte(strings.NewReplacer(`\\n`, `\n`, `\n`, "\n").Replace(form.Get("d"))), nil
}

// limitAnswer bounds how long an answer may take from now on, whatever limit the
// http.Server has: it cannot know how long a poll waits.
func (srv *Server) limitAnswer(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(srv.cfg.WriteTimeout()))
}

// noReadLimit takes the limit of the http.Server away once a request has been read:
// when it passes, net/http takes the client for gone.
func noReadLimit(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
}
