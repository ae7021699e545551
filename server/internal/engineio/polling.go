package engineio

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// noopDelay is how long a poll that comes in while an upgrade is under way may
// wait: the client ends its polling before it upgrades, so every poll must end.
const noopDelay = 100 * time.Millisecond

// poll is a GET that waits for something to send.
type poll struct {
	wake chan struct{} // capacity 1
	noop bool          // answer at once, with a noop packet if with nothing else
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
	p := &poll{wake: make(chan struct{}, 1)}
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
	var messages []*Message
	if ok && s.conn == nil { // else the upgrade came first, and the queue is the WebSocket's
		messages = s.takeAll()
	}
	upgraded := s.conn != nil
	closing := !upgraded && s.state != stateOpen
	s.poll = nil
	s.mu.Unlock()

	if !ok {
		if !upgraded {
			s.end(TransportClose)
		}
		return
	}
	if closing && len(messages) > 1 {
		// The close packet, which is last, is left for the next poll: socket.io's clients
		// act on it before they act on what came with it, and lose acks by that.
		messages, closing = messages[:len(messages)-1], false
	}
	if len(messages) == 0 {
		messages = []*Message{s.srv.packets.noop}
		if closing {
			messages[0] = s.srv.packets.close
		}
	}
	s.respond(w, r, q, messages)
	if closing {
		s.end(ServerClose)
	}
}

// await waits until there is something to answer p with. It is called with the
// mutex held and returns so; false means that the client gave the poll up.
func (s *Session) await(p *poll, r *http.Request) bool {
	var noop <-chan time.Time
	if s.probed {
		t := time.NewTimer(noopDelay)
		defer t.Stop()
		noop = t.C
	}
	for s.queued == 0 && s.state == stateOpen && !p.noop {
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

// takeAll empties the queue of a polling session. The mutex is held.
func (s *Session) takeAll() []*Message {
	messages := append([]*Message(nil), s.queue[s.head:]...)
	for _, m := range messages {
		if m.isMessage() {
			s.meter.messagesOut++
		}
	}
	s.drop()
	return messages
}

// respond writes messages as the body of a poll's response.
func (s *Session) respond(w http.ResponseWriter, r *http.Request, q url.Values, messages []*Message) {
	var body []byte
	binary := false
	if s.protocol == 3 {
		body, binary = appendV3(nil, messages, s.base64Only)
	} else {
		body = appendV4(nil, messages)
	}
	contentType := "text/plain; charset=UTF-8"
	if binary {
		contentType = "application/octet-stream"
	}
	if index, ok := jsonpIndex(q); ok {
		body = jsonp(index, body)
		contentType = "text/javascript; charset=UTF-8"
	}
	h := w.Header()
	h.Set("Content-Type", contentType)
	sent := s.srv.write(w, r, body)
	s.mu.Lock()
	s.meter.bytesOut += uint64(sent)
	s.mu.Unlock()
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

// jsonp wraps a payload into the call that a script element runs. json.Marshal
// escapes what JSON allows and JavaScript does not (U+2028, U+2029), and "<".
func jsonp(index string, body []byte) []byte {
	text, _ := json.Marshal(string(body)) // a string always marshals
	return []byte("___eio[" + index + "](" + string(text) + ");")
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
		s.srv.refuse(w, r, codeBadRequest, "a second POST while one was being read")
		s.abort(TransportError)
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
		w.Header().Set("Content-Type", "text/html")
		s.srv.write(w, r, []byte("ok"))
		if err != nil {
			s.abort(ClientDisconnect)
		}
	case errors.As(err, &tooLarge):
		s.srv.refusals.tooLarge(s, "POST body")
		http.Error(w, "the message is larger than this server takes", http.StatusRequestEntityTooLarge)
		s.abort(TransportError)
	default:
		s.srv.refusals.broken(s, err)
		s.srv.refuse(w, r, codeBadRequest, "malformed payload")
		s.abort(ParseError)
	}
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
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
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
		return errPayload
	case s.protocol == 4:
		return decodeV4(body, cfg.MaxPayloadPackets, s)
	case binary:
		return decodeV3Binary(body, cfg.MaxPayloadPackets, s)
	}
	return decodeV3(body, cfg.MaxPayloadPackets, s)
}

// jsonpData takes the payload out of the form that a JSONP client posts. It
// wrote newlines as \n and what looked like an escaped newline as \\n.
func jsonpData(body []byte) ([]byte, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil || !form.Has("d") {
		return nil, errPayload
	}
	return []byte(strings.NewReplacer(`\\n`, `\n`, `\n`, "\n").Replace(form.Get("d"))), nil
}

// write answers with body, compressed where that is wanted and worth it, and returns
// its length as it went out.
func (srv *Server) write(w http.ResponseWriter, r *http.Request, body []byte) int {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if srv.cfg.Compression && len(body) >= srv.cfg.CompressionThreshold {
		if encoding := acceptedEncoding(r); encoding != "" {
			body = srv.compressors.compress(encoding, body)
			h.Set("Content-Encoding", encoding)
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	srv.limitAnswer(w)
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body) // a client that is gone is noticed by its next poll
	return len(body)
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
