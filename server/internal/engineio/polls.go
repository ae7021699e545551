package engineio

import (
	"net/http"
	"time"

	"hipflask/server/internal/budget"
	"hipflask/server/internal/engineio/payload"
	"hipflask/server/internal/http1"
)

// polls is what a session knows of its requests by polling: of the GET that waits, of the answer to
// the one before, and of the POST. Its owner guards it.
type polls struct {
	poll    *poll   // the GET that waits
	answer  *answer // of the one before, while it is written
	posting bool    // a POST is being read
	telling bool    // a POST is being answered with why the session has ended
	passed  *passed // what the last GET was answered by way of another server; nil after the next
}

// poll is a GET that waits for something to send.
type poll struct {
	session  interface{ answer() } // answers the poll if that can be
	w        http.ResponseWriter
	later    http1.Later    // w, if the answer may come after the handler has returned; else nil
	format   payload.Format // of the answer
	index    string         // of a JSONP client's callback
	encoding string         // that the client accepts; empty: none

	wake   chan struct{} // capacity 1; nil with later
	noop   bool          // answer at once, with a noop packet if with nothing else
	unless *time.Timer   // answers with a noop; nil: there is none

	ended chan struct{} // closed at its end; nil unless another server has passed it on
}

// done ends the poll.
func (p *poll) done() {
	if p.later != nil {
		p.later.Done()
	}
}

// answer is what a poll is answered with.
type answer struct {
	portions []portion
	memory   *budget.Budget
	response *http.ResponseController

	last     bool   // it is what the client is sent at the session's end
	comeBack Reason // for which it is refused instead, to open another session; or none

	left int  // bytes still to write
	own  int  // bytes that were made for this answer alone
	cut  bool // the session ended first: nothing counts any more
}

// wake wakes the waiting poll, if there is one. It may be called with locks held.
func (p *polls) wake() {
	switch {
	case p.poll == nil:
	case p.poll.later != nil:
		p.poll.later.Go(p.poll.session.answer)
	default:
		select {
		case p.poll.wake <- struct{}{}:
		default:
		}
	}
}

// hurry has the waiting poll, if there is one, answered at once.
func (p *polls) hurry() {
	if p.poll != nil {
		p.poll.noop = true
		p.wake()
	}
}

// begin makes a the answer that the client is reading from now on, and returns how many messages it
// brings.
func (p *polls) begin(a *answer) (messages uint64) {
	for _, part := range a.portions {
		a.left += part.cost()
		if part.isMessage() {
			messages++
		}
	}
	p.answer = a
	return messages
}

// made counts a body that was made for the answer.
func (a *answer) made(b *body) {
	if !a.cut {
		a.left, a.own = b.size, b.own
		a.memory.Add(b.own)
	}
}

// finish lets the next poll have its turn. An answer that was not written ends with its connection;
// with another one, the next response has its own time.
func (p *polls) finish(a *answer, written bool) {
	if !a.cut {
		a.release()
	}
	if written {
		_ = a.response.SetWriteDeadline(time.Time{})
	}
	p.answer = nil
	p.wake()
}

// cut stops the writing of an answer because the session has ended, and counts it off.
func (p *polls) cut() {
	if a := p.answer; a != nil && !a.cut {
		a.cut = true
		a.release()
		_ = a.response.SetWriteDeadline(time.Now())
	}
}

// forget lets go of the answer that is kept.
func (p *polls) forget() {
	p.passed.release()
	p.passed = nil
}

// release counts the answer off.
func (a *answer) release() {
	for _, p := range a.portions {
		p.release(a.memory)
	}
	a.memory.Give(a.own)
	a.left = 0
}

// left is how many bytes of an answer are still to be written.
func (p *polls) left() int {
	if p.answer == nil {
		return 0
	}
	return p.answer.left
}
