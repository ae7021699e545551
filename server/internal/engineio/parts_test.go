package engineio

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"hipflask/server/internal/budget"
)

// The parts of a session, each without a session.

// An answer counts what it holds until it is written, or the session's end has cut it.
func TestAnswerCounts(t *testing.T) {
	for name, end := range map[string]func(p *polls, a *answer){
		"written": func(p *polls, a *answer) { p.finish(a, true) },
		"failed":  func(p *polls, a *answer) { p.finish(a, false) },
		"cut": func(p *polls, a *answer) {
			p.cut()
			p.cut() // as when a session that is closing ends
			if a.made(&body{size: 7, own: 7}); a.left != 0 || !a.cut {
				t.Errorf("an answer that was cut has %d bytes left", a.left)
			}
			p.finish(a, false)
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOutbox(t)
			o.park(0)
			o.push(sized(t, 100))
			a := &answer{memory: o.shared.memory, response: http.NewResponseController(httptest.NewRecorder())}
			a.portions = append(o.takeAnswer(0, nil), portion{newControl("6"), 1})
			a.portions[1].hold(o.shared.memory)
			waiting := &poll{wake: make(chan struct{}, 1)}
			p := polls{poll: waiting}
			if n := p.begin(a); n != 1 || p.left() < 100 {
				t.Errorf("%d messages in %d bytes", n, p.left())
			}
			a.made(&body{size: 500, own: 300})
			if p.left() != 500 || o.shared.memory.Used() < 400 {
				t.Errorf("%d bytes are left, and %d held", p.left(), o.shared.memory.Used())
			}
			end(&p, a)
			if p.left() != 0 || p.answer != nil || len(waiting.wake) != 1 {
				t.Errorf("in the end %d bytes are left, the next poll was woken %d times", p.left(), len(waiting.wake))
			}
		})
	}
}

// A poll that waits is woken once for all that comes before it looks, and none is no fault.
func TestPollIsWoken(t *testing.T) {
	var none polls
	none.wake()
	none.hurry()
	none.cut()
	p := polls{poll: &poll{wake: make(chan struct{}, 1)}}
	p.wake()
	p.wake()
	if len(p.poll.wake) != 1 || p.poll.noop {
		t.Errorf("woken %d times, noop %v", len(p.poll.wake), p.poll.noop)
	}
	<-p.poll.wake
	p.hurry()
	if len(p.poll.wake) != 1 || !p.poll.noop {
		t.Errorf("hurried %d times, noop %v", len(p.poll.wake), p.poll.noop)
	}
}

// A pause lasts its time, unless the session or who waits ends first. After the session's end there
// is none.
func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pause
		took := func(over, gone <-chan struct{}) time.Duration {
			begun := time.Now()
			hold(time.Minute, over, gone)
			return time.Since(begun)
		}
		first, second := p.begin(), p.begin() // of a POST and a WebSocket
		if got := took(first, nil); got != time.Minute {
			t.Errorf("it lasts %v", got)
		}
		gone := make(chan struct{})
		close(gone)
		if got := took(second, gone); got != 0 {
			t.Errorf("given up, it lasts %v", got)
		}
		time.AfterFunc(time.Second, p.end)
		if got := took(second, nil); got != time.Second {
			t.Errorf("the session ends after a second, the pause after %v", got)
		}
		p.end()
		if p.begin() != nil {
			t.Error("there is a pause after the session's end")
		}
	})
}

// What is kept of a message that is not whole is taken from the memory and given back, and what
// there is no room for is not.
func TestHoldPartial(t *testing.T) {
	const limit = 1 << 20
	memory := budget.New(limit)
	var r reading
	for _, c := range []struct {
		kept, held int
		fits       bool
	}{{1000, 1000, true}, {1000, 1000, true}, {5000, 5000, true}, {limit, 5000, false}, {300, 300, true}, {0, 0, true}} {
		if fits := r.holdPartial(c.kept, memory); fits != c.fits || memory.Used() != int64(c.held) {
			t.Errorf("keeping %d: %v, and %d are held, want %v and %d", c.kept, fits, memory.Used(), c.fits, c.held)
		}
	}
}

// A client whose probe was answered and that does not poll may have left.
func TestUpgradeGivenUp(t *testing.T) {
	for _, c := range []struct{ probed, idle, away bool }{{false, false, false}, {false, true, false}, {true, false, false}, {true, true, true}} {
		u := upgrade{begun: true, probed: c.probed}
		if u.isAway() != c.probed {
			t.Errorf("%+v: before, it is away: %v", c, u.isAway())
		}
		if u.giveUp(c.idle); u.begun || u.probed || u.isAway() != c.away {
			t.Errorf("%+v: it leaves %+v", c, u)
		}
	}
}

// Who has the last frame to write waits for the turn of who writes, and for nobody else.
func TestTurnOfWriting(t *testing.T) {
	var s socket
	if s.endTurn(); s.awaitTurn() != nil {
		t.Error("there is a turn to wait for, and nobody writes")
	}
	s.writing = true
	turn := s.awaitTurn()
	select {
	case <-turn:
		t.Error("the turn has ended before its time")
	default:
	}
	s.endTurn()
	<-turn
}
