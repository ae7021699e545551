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

// toldDelay is how long before its poll a client gets to read why its session ended: the two come
// over different connections, and it reads them in an order of its own.
const toldDelay = 300 * time.Millisecond

// servePOST reads a payload and hands its packets on before it answers.
func (s *Session) servePOST(w http.ResponseWriter, r *http.Request, q url.Values) {
	s.mu.Lock()
	busy, polling, over, reason := s.polls.posting, s.conn == nil, s.state == stateClosed, s.reason
	if polling && !busy && !over {
		s.polls.posting = true
	}
	s.mu.Unlock()
	switch {
	case over:
		s.srv.refusals.ended(w, r, reason)
		return
	case !polling:
		s.srv.refusals.refuse(w, r, codeBadRequest, "the session no longer polls")
		return
	case busy:
		s.endWith(w, r, TransportError, func() {
			s.srv.refusals.refuse(w, r, codeBadRequest, "a second POST while one was being read")
		})
		return
	}
	err := s.readPayload(w, r, q)
	if err == nil { // what came in is handled; the next POST comes with the answer
		s.pause(longestAnswer, r.Context().Done())
	}
	s.mu.Lock()
	s.polls.posting = false
	s.mu.Unlock()
	s.answerPOST(w, r, err)
}

// answerPOST answers a POST, and ends the session if that broke a rule: with the WebSocket, if one
// took over meanwhile.
func (s *Session) answerPOST(w http.ResponseWriter, r *http.Request, err error) {
	var tooLarge *http.MaxBytesError
	switch {
	case err == nil || errors.Is(err, errClosed):
		h := w.Header()
		h.Set("Content-Type", "text/html")
		h.Set("Cache-Control", "no-store")
		s.srv.cfg.limitAnswer(w)       // the client may have been held back for long
		_, _ = io.WriteString(w, "ok") // a client that is gone is noticed by its next poll
		if err != nil {
			s.abort(ClientDisconnect)
		}
	case errors.Is(err, errNoRoom):
		s.WarnMemory()
		turnAway(w, http.StatusServiceUnavailable, "The server is short of memory")
		s.abort(TransportError)
	case errors.As(err, &tooLarge):
		s.tellTooLarge("POST body")
		s.endWith(w, r, TransportError, func() {
			h := w.Header()
			h.Set("Content-Type", "text/plain; charset=UTF-8")
			h.Set("Content-Length", strconv.Itoa(len(bodyTooLarge)))
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			_, _ = io.WriteString(w, bodyTooLarge)
		})
	default:
		s.tellBroken(err)
		s.endWith(w, r, ParseError, func() { s.srv.refusals.refuse(w, r, codeBadRequest, "malformed payload") })
	}
}

const bodyTooLarge = "the message is larger than this server takes\n"

// endWith ends the session with an answer to a POST that says why. The waiting poll ends behind
// that answer, unless the client gives it up: which of the two it reads first it takes for the
// reason.
func (s *Session) endWith(w http.ResponseWriter, r *http.Request, reason Reason, answer func()) {
	s.mu.Lock()
	s.polls.telling = true
	s.mu.Unlock()
	s.abort(reason)
	response := http.NewResponseController(w)
	_ = response.SetWriteDeadline(time.Now().Add(lastFrameTimeout))
	answer()
	err := response.Flush()
	_ = response.SetWriteDeadline(time.Time{})
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.polls.poll != nil && err == nil {
		s.mu.Unlock()
		head := time.NewTimer(toldDelay)
		defer head.Stop()
		select {
		case <-head.C:
		case <-r.Context().Done():
		}
		s.mu.Lock()
	}
	s.polls.telling = false
	s.polls.wake()
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

// smallBody is the longest body that is not counted, in bytes: no more than net/http keeps for the
// connection. Where others have filled the memory, short events still get in.
const smallBody = 4 << 10

// readBody reads the body of a POST. What a longer one takes is taken from the memory for clients,
// for the caller to give back: a client may let the end of a body wait for as long as BodyTimeout.
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

// jsonpData takes the payload out of the form that a JSONP client posts. It wrote newlines as \n
// and what looked like an escaped newline as \\n.
func jsonpData(body []byte) ([]byte, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil || !form.Has("d") {
		return nil, payload.ErrMalformed
	}
	return []byte(strings.NewReplacer(`\\n`, `\n`, `\n`, "\n").Replace(form.Get("d"))), nil
}

// limitAnswer bounds how long an answer may take from now on, whatever limit the http.Server has:
// it cannot know how long a poll waits.
func (c *Config) limitAnswer(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(c.WriteTimeout()))
}
