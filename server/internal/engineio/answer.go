package engineio

import (
	"errors"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"hipflask/server/internal/coding"
	"hipflask/server/internal/engineio/payload"
)

const (
	// maxPacketsV4 is how many packets an answer of Engine.IO 4 holds at most: Python's
	// client takes no more, and treats one more as a fault.
	maxPacketsV4 = 16
	// pieceSize is how many bytes of an answer the client must take within a limit.
	pieceSize = 64 << 10
)

// answer is what a poll is answered with. It is written in pieces, and what it shares
// with others is copied for none of them:
//
// Packets under largeFrame are joined, with what stands around them, into runs that are
// this answer's own. A larger packet has a form for each payload format, made once for
// all sessions that are sent it. When the client accepts it and there is enough of it,
// the body is compressed: each large packet once for all, each run for this answer, and
// only if it alone is worth that. All of them together make one stream.
type answer struct {
	session  *Session
	portions []portion
	response *http.ResponseController

	format        payload.Format
	before, after string
	encoding      string // of the body, if it is worth one

	last     bool   // it is what the client is sent at the session's end
	comeBack Reason // for which it is refused instead, to open another session; or none

	pieces [][]byte
	size   int // bytes of them

	// Guarded by the session's mutex:
	left int  // bytes still to write
	own  int  // bytes that were made for this answer alone
	cut  bool // the session ended first: nothing counts any more
}

// item is a run, or else the nth packet of a message. What is stored is not compressed.
type item struct {
	run    []byte
	m      *Message
	n      int
	stored bool
}

// begin makes the answer that the session's client is reading from now on. The mutex
// is held.
func (s *Session) begin(a *answer, portions []portion) {
	a.session, a.portions = s, portions
	for _, p := range portions {
		a.left += p.cost()
		if p.isMessage() {
			s.meter.messagesOut++
		}
	}
	s.answer = a
}

// finish lets the next poll have its turn. An answer that was not written ends with its
// connection; with another one, the next response has its own time.
func (a *answer) finish(written bool) {
	s := a.session
	s.mu.Lock()
	defer s.mu.Unlock()
	if !a.cut {
		a.release()
	}
	if written {
		_ = a.response.SetWriteDeadline(time.Time{})
	}
	s.answer = nil
	s.wakePoll()
}

// release counts the answer off. The mutex is held.
func (a *answer) release() {
	for _, p := range a.portions {
		p.release(a.session.srv.cfg.Memory)
	}
	a.session.srv.cfg.Memory.Give(a.own)
	a.left = 0
}

// cutAnswer stops the writing of an answer because the session has ended, and counts it
// off. The mutex is held.
func (s *Session) cutAnswer() {
	if a := s.answer; a != nil && !a.cut {
		a.cut = true
		a.release()
		_ = a.response.SetWriteDeadline(time.Now())
	}
}

// respond makes the answer and writes it, and reports whether all of it went out.
func (a *answer) respond(w http.ResponseWriter, r *http.Request, q url.Values) bool {
	s := a.session
	if a.comeBack != "" {
		return a.refuse(w)
	}
	if s.srv.cfg.Memory.Full() && !s.srv.relieve(s) {
		_ = a.response.SetWriteDeadline(time.Now().Add(goodbyeTimeout)) // which the session's end has cut
		turnAway(w, http.StatusServiceUnavailable, "The server is short of memory")
		return false
	}
	index, isJSONP := jsonpIndex(q)
	a.format = s.format(isJSONP)
	a.before, a.after = a.format.Around(index)
	a.encoding = coding.Choose(r.Header, coding.Gzip, coding.Deflate)
	a.assemble()
	return a.write(w)
}

// refuse answers the last poll of a session whose client is to open another one.
func (a *answer) refuse(w http.ResponseWriter) bool {
	_ = a.response.SetWriteDeadline(time.Now().Add(goodbyeTimeout))
	if a.comeBack == ServerShutdown {
		writeRefusal(w, http.StatusBadRequest, codeForbidden, shuttingDown)
	} else {
		writeError(w, codeSession)
	}
	return a.flush()
}

// assemble makes the pieces.
func (a *answer) assemble() {
	srv := a.session.srv
	own := 0
	items, size := a.items()
	if a.encoding != "" && srv.cfg.Compression && size >= srv.cfg.CompressionThreshold {
		own = a.compress(items)
	} else {
		a.encoding = ""
		for _, i := range items {
			if i.m == nil {
				a.add(i.run)
				own += len(i.run)
				continue
			}
			part := i.m.form(i.n, a.format, nil, srv.cfg.Memory).part
			a.add(part.Made)
			a.add(part.Own)
		}
	}
	a.session.mu.Lock()
	defer a.session.mu.Unlock()
	if !a.cut {
		a.left, a.own = a.size, own
		srv.cfg.Memory.Add(own)
	}
}

// items lists what the answer is made of, and says how many bytes of that may be
// compressed, large packets as they are before they are written in the format.
func (a *answer) items() (items []item, size int) {
	run := item{run: []byte(a.before)}
	end := func() {
		if len(run.run) == 0 {
			return
		}
		items = append(items, run)
		if !run.stored {
			size += len(run.run)
		}
		run = item{}
	}
	separator := ""
	for _, p := range a.portions {
		for n := range p.count {
			if run.stored != p.stored {
				end()
				run.stored = p.stored
			}
			run.run = append(run.run, separator...)
			separator = a.format.Separator()
			length := p.packetLen(n)
			if length < largeFrame {
				part := p.part(n, a.format)
				run.run = append(append(run.run, part.Made...), part.Own...)
				continue
			}
			end()
			items = append(items, item{m: p.Message, n: n, stored: p.stored})
			if !p.stored {
				size += length
			}
		}
	}
	run.run = append(run.run, a.after...)
	end()
	return items, size
}

// compress makes the pieces of a compressed body, and returns how many bytes of them are
// the answer's own.
func (a *answer) compress(items []item) (own int) {
	srv := a.session.srv
	var segments []coding.Segment
	for _, i := range items {
		var s coding.Segment
		switch {
		case i.m != nil && i.stored:
			part := i.m.form(i.n, a.format, nil, srv.cfg.Memory).part
			segments = append(segments, coding.Store(part.Made))
			s = coding.Store(part.Own)
			own += segments[len(segments)-1].Len() + s.Len()
		case i.m != nil:
			s = i.m.form(i.n, a.format, &srv.compressor, srv.cfg.Memory).segment
		case !i.stored && len(i.run) >= srv.cfg.CompressionThreshold:
			s = srv.compressor.Compress(i.run)
			own += s.Len()
		default:
			s = coding.Store(i.run)
			own += s.Len()
		}
		segments = append(segments, s)
	}
	for _, piece := range coding.Join(a.encoding, segments) {
		a.add(piece)
	}
	return own
}

func (a *answer) add(piece []byte) {
	if len(piece) > 0 {
		a.pieces = append(a.pieces, piece)
		a.size += len(piece)
	}
}

// write writes the answer and reports whether all of it went out. A client that takes
// nothing of it for too long is given up.
func (a *answer) write(w http.ResponseWriter) bool {
	h := w.Header()
	h.Set("Content-Type", a.format.ContentType())
	h.Set("Cache-Control", "no-store")
	if a.encoding != "" {
		h.Set("Content-Encoding", a.encoding)
	}
	h.Set("Content-Length", strconv.Itoa(a.size))
	w.WriteHeader(http.StatusOK)
	s := a.session
	if !a.goOn(0) {
		return false
	}
	for _, piece := range a.pieces {
		for len(piece) > 0 {
			n := min(len(piece), pieceSize)
			if _, err := w.Write(piece[:n]); err != nil {
				s.writeFailed(err)
				return false
			}
			if !a.goOn(n) {
				return false
			}
			piece = piece[n:]
		}
	}
	return a.flush()
}

func (a *answer) flush() bool {
	if err := a.response.Flush(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		a.session.writeFailed(err)
		return false
	}
	return true
}

// goOn counts n bytes that the client's side of the connection has taken, and gives it
// time for more. It reports false when the session has ended meanwhile.
func (a *answer) goOn(n int) bool {
	s := a.session
	s.mu.Lock()
	defer s.mu.Unlock()
	s.meter.bytesOut += uint64(n)
	if a.cut {
		return false
	}
	a.left -= n
	s.stillLeaving()
	_ = a.response.SetWriteDeadline(time.Now().Add(s.srv.progressLimit()))
	return true
}

// writeFailed ends a session whose client did not get what was sent to it: it cannot
// have it any more.
func (s *Session) writeFailed(err error) {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		s.abort(TransportClose)
		return
	}
	if s.IsOpen() {
		s.srv.refusals.slowAnswer(s)
	}
	s.abort(TransportError)
}
