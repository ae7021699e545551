package engineio

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"hipflask/testdata/testkit"
)

// The lists are tested with a clock that stands still unless a test sleeps.

const (
	beatInterval = time.Hour
	beatTimeout  = time.Minute
)

// beatTest is a heartbeat with sessions by name.
type beatTest struct {
	*heartbeat
	t     *testing.T
	names map[*beat]string
}

func testBeat(t *testing.T, test func(b *beatTest)) {
	synctest.Test(t, func(t *testing.T) {
		test(&beatTest{newHeartbeat(beatInterval, beatTimeout), t, make(map[*beat]string)})
	})
}

func (b *beatTest) session(name string, protocol uint8) *beat {
	s := &beat{clientPings: protocol == 3}
	b.names[s] = name
	b.add(s)
	return s
}

// passes lets time pass and checks what is due and dead then.
func (b *beatTest) passes(d time.Duration, due, dead []string) {
	b.t.Helper()
	time.Sleep(d)
	gotDue, gotDead, next := b.collect(time.Now())
	if names := b.named(gotDue); !slices.Equal(names, due) {
		b.t.Errorf("%q are due, want %q", names, due)
	}
	if names := b.named(gotDead); !slices.Equal(names, dead) {
		b.t.Errorf("%q are dead, want %q", names, dead)
	}
	if next <= 0 || next > beatInterval {
		b.t.Errorf("the next look is in %v", next)
	}
	b.checkLists()
}

func (b *beatTest) named(list []*beat) []string {
	var names []string
	for _, s := range list {
		names = append(names, b.names[s])
	}
	return names
}

// checkLists checks that the links agree with each other.
func (b *beatTest) checkLists() {
	b.t.Helper()
	for _, l := range []*beatList{&b.pings, &b.pongs, &b.quiet, &b.silent} {
		var prev *beat
		for s := l.first; s != nil; s = s.at.next {
			if s.at.list != l || s.at.prev != prev {
				b.t.Fatalf("the links around %s are broken", b.names[s])
			}
			prev = s
		}
		if l.last != prev {
			b.t.Fatal("a list does not end with its last")
		}
	}
}

func TestHeartbeatV4(t *testing.T) {
	testBeat(t, func(b *beatTest) {
		alive, silent, gone := b.session("alive", 4), b.session("silent", 4), b.session("gone", 4)
		plain := b.session("plain", 0)
		b.passes(beatInterval-1, nil, nil)
		b.remove(gone)
		b.passes(1, []string{"alive", "silent", "plain"}, nil)
		b.passes(beatTimeout-1, nil, nil)
		b.heard(alive)
		b.heard(plain)
		b.heard(gone) // too late: it stays removed
		b.passes(1, nil, []string{"silent"})
		b.heard(silent)
		b.passes(beatInterval-2, nil, nil)
		b.passes(1, []string{"alive", "plain"}, nil)
		b.passes(beatTimeout, nil, []string{"alive", "plain"})
		b.passes(100*beatInterval, nil, nil)
	})
}

// In Engine.IO 3 it is the client that pings, and has interval and timeout for it.
func TestHeartbeatV3(t *testing.T) {
	testBeat(t, func(b *beatTest) {
		alive := b.session("alive", 3)
		b.session("silent", 3)
		b.passes(beatInterval, nil, nil)
		b.heard(alive)
		b.passes(beatTimeout-1, nil, nil)
		b.passes(1, nil, []string{"silent"})
		b.passes(beatInterval-1, nil, nil)
		b.passes(1, nil, []string{"alive"})
		b.passes(100*beatInterval, nil, nil)
	})
}

// A client whose messages wait for their handlers is not dead: its pong may lie unread behind them.
// Meanwhile it is sent something, before its own limit for hearing from the server is over.
func TestHeartbeatWaitsForHandlers(t *testing.T) {
	testBeat(t, func(b *beatTest) {
		v4 := b.session("v4", 4)
		v4.receiving.Add(1)
		b.passes(beatInterval, []string{"v4"}, nil)
		for range 10 {
			b.passes(beatTimeout, []string{"v4"}, nil)
		}
		v4.receiving.Add(-1)
		b.passes(beatTimeout, nil, []string{"v4"})
	})
	testBeat(t, func(b *beatTest) {
		v3 := b.session("v3", 3)
		v3.receiving.Add(1)
		for range 10 {
			b.passes(beatInterval+beatTimeout/2, []string{"v3"}, nil)
		}
		v3.receiving.Add(-1)
		b.passes(beatInterval+beatTimeout/2, nil, nil)
		b.passes(beatTimeout/2, nil, []string{"v3"})
	})
}

// Between two messages that each wait, reading waits for nothing: that moment is no reason to take
// a client for dead, but only once.
func TestHeartbeatAfterAWait(t *testing.T) {
	testBeat(t, func(b *beatTest) {
		v4 := b.session("v4", 4)
		b.passes(beatInterval, []string{"v4"}, nil)
		v4.delayed.Store(true)
		b.passes(beatTimeout, []string{"v4"}, nil)
		b.passes(beatTimeout, nil, []string{"v4"})
	})
	testBeat(t, func(b *beatTest) {
		v3 := b.session("v3", 3)
		b.passes(beatInterval+beatTimeout/2, nil, nil)
		v3.delayed.Store(true)
		b.passes(beatTimeout/2, []string{"v3"}, nil)
		b.passes(beatInterval+beatTimeout, nil, []string{"v3"})
	})
}

func TestHeartbeatRemovesFromAnywhere(t *testing.T) {
	testBeat(t, func(b *beatTest) {
		var all []*beat
		for _, name := range []string{"a", "b", "c", "d"} {
			all = append(all, b.session(name, 4))
		}
		for _, i := range []int{1, 0, 3, 3, 2} {
			b.remove(all[i])
			b.checkLists()
		}
		b.passes(100*beatInterval, nil, nil)
		b.add(all[2])
		b.passes(beatInterval, []string{"c"}, nil)
	})
}

// With real, short times: a client that answers lives through many pings.
func TestPingPong(t *testing.T) {
	brief := func(c *Config) { c.PingInterval, c.PingTimeout = 20*time.Millisecond, testkit.Deadline }
	const pings = 10
	t.Run("Engine.IO 4 by WebSocket", func(t *testing.T) {
		f := start(t, brief)
		o, p := f.websocket(4)
		for range pings {
			p.expect(opText, "2")
			p.send(opText, "3")
		}
		stillOpen(t, o)
	})
	t.Run("Engine.IO 4 by polling", func(t *testing.T) {
		f := start(t, brief)
		o, query := f.polling(4)
		for range pings {
			if got := f.get(query); got != "2" {
				t.Fatalf("polled %q", got)
			}
			f.post(query, "3")
		}
		stillOpen(t, o)
	})
	t.Run("Engine.IO 3 by WebSocket", func(t *testing.T) {
		f := start(t, brief)
		o, p := f.websocket(3)
		for range pings {
			p.send(opText, "2with data")
			p.expect(opText, "3with data") // and no ping before it
		}
		stillOpen(t, o)
	})
	t.Run("Engine.IO 3 by polling", func(t *testing.T) {
		f := start(t, brief)
		o, query := f.polling(3)
		for range pings {
			f.post(query, "1:2")
			if got := f.get(query); got != "\x00\x01\xff3" {
				t.Fatalf("polled %q", got)
			}
		}
		stillOpen(t, o)
	})
	t.Run("plain", func(t *testing.T) {
		f := start(t, brief)
		o, p := f.plain()
		for range pings {
			p.expect(opPing, "")
			p.send(opPong, "")
		}
		stillOpen(t, o)
	})
}

func stillOpen(t *testing.T, o *opened) {
	t.Helper()
	if !o.IsOpen() {
		t.Error("the session has ended")
	}
}

// A processor that is busy for a moment uses nothing up that a freeze right behind it needs; nor does
// either make a client wait for longer than the process stood still, once it has begun anew.
func TestHeartbeatAfterADelayAndAFreeze(t *testing.T) {
	const delay = 50 * time.Millisecond
	testBeat(t, func(b *beatTest) {
		b.session("v4", 4)
		b.passes(beatInterval, []string{"v4"}, nil)
		for _, late := range []time.Duration{delay, time.Hour, delay, delay} {
			time.Sleep(late)
			b.renew(late)
			b.passes(0, nil, nil)
		}
		b.passes(beatTimeout-1, nil, nil)
		b.passes(1, nil, []string{"v4"})
	})
	testBeat(t, func(b *beatTest) {
		b.session("v3", 3)
		b.passes(beatInterval+beatTimeout/4, nil, nil)
		for _, late := range []time.Duration{delay, time.Hour} {
			time.Sleep(late)
			b.renew(late)
			b.passes(0, nil, nil)
		}
		b.passes(beatTimeout/2, nil, nil) // it is looked at
		b.passes(beatTimeout/2-1, nil, nil)
		b.passes(1, nil, []string{"v3"})
	})
}

// What was expected while the process stood still begins anew, once.
func TestHeartbeatAfterAFreeze(t *testing.T) {
	testBeat(t, func(b *beatTest) {
		b.session("v4", 4)
		b.session("v3", 3)
		b.passes(beatInterval, []string{"v4"}, nil)
		time.Sleep(time.Hour) // the freeze
		b.renew(time.Hour)
		b.passes(0, nil, nil)
		b.passes(beatTimeout/2, nil, nil) // v3 is looked at
		b.renew(0)                        // not that often
		b.passes(beatTimeout/2, nil, []string{"v4", "v3"})
	})
}
