package engineio

import "time"

// A poll whose answer may come after its handler has returned ([http1.Later]) waits without a
// goroutine. Who has something for it, a producer or the flusher, writes the answer itself, as it
// writes to a WebSocket: without waiting. What may take longer is done on a goroutine.

// atOnce is the longest body, in bytes, that is written without a goroutine: a longer one may be
// more than a ResponseWriter gathers, and then Write waits.
const atOnce = 32 << 10

// waitLocked has a new poll answered, at once or later. It releases the mutex.
func (s *Session) waitLocked(p *poll) {
	p.later.Later(func() {
		s.mu.Lock()
		if s.polls.poll != p { // it is being answered
			s.mu.Unlock()
			return
		}
		p.stopTimer()
		s.giveUpLocked(p, true)
	})
	if s.upgrade.probed {
		p.unless = time.AfterFunc(noopDelay, func() {
			s.mu.Lock()
			p.noop = true
			s.answerLocked()
		})
	}
	s.answerLocked()
}

// answer answers the waiting poll if that can be.
func (s *Session) answer() {
	s.mu.Lock()
	s.answerLocked()
}

func (p *poll) stopTimer() {
	if p.unless != nil {
		p.unless.Stop()
	}
}

// answerLocked answers the waiting poll if there is one that can be answered. It does not wait, and
// releases the mutex.
func (s *Session) answerLocked() {
	p := s.polls.poll
	switch {
	case p == nil || !s.isReadyLocked(p):
		s.mu.Unlock()
		return
	case p.later == nil:
		s.polls.wake()
		s.mu.Unlock()
		return
	}
	p.stopTimer()
	a := s.takeAnswerLocked(p)
	size := s.polls.left()
	s.mu.Unlock()
	if a.comeBack != "" || size > atOnce || p.encoding != "" && s.srv.outlet.compresses(size) || s.srv.cfg.Memory.Full() {
		p.later.Go(func() { s.answered(p, a, s.respond(p, a)) })
		return
	}
	s.answerAtOnce(p, a)
}

// answerAtOnce writes an answer, of which the kernel takes all as a rule.
func (s *Session) answerAtOnce(p *poll, a *answer) {
	b := s.makeBody(p, a)
	if b.size > atOnce { // base64 is longer than what was queued
		p.later.Go(func() { s.answered(p, a, s.write(a, b, p)) })
		return
	}
	p.writeHeader(b)
	if !s.goOn(a, 0) {
		s.answered(p, a, false)
		return
	}
	for _, piece := range b.pieces {
		if _, err := p.w.Write(piece); err != nil {
			s.writeFailed(err)
			s.answered(p, a, false)
			return
		}
	}
	whole, err := p.later.TryFlush()
	switch {
	case err != nil:
		s.writeFailed(err)
		s.answered(p, a, false)
	case whole:
		s.answered(p, a, s.goOn(a, b.size))
	default:
		p.later.Go(func() { s.answered(p, a, s.flushAnswer(a) && s.goOn(a, b.size)) })
	}
}
