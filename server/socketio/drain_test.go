package socketio_test

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"

	"hipflask/server/socketio"
	"hipflask/server/socketio/socketiotest"
	"hipflask/testdata/testkit"
)

// What a client had sent before the server goes down is handled, and answered while
// the client is still there; so are the others, until it is their turn.
func TestShutdownLetsHandlersFinish(t *testing.T) {
	const events = 20
	for _, concurrent := range []bool{false, true} {
		t.Run("concurrent "+strconv.FormatBool(concurrent), func(t *testing.T) {
			begun, release := make(chan struct{}, events), make(chan struct{})
			s := socketiotest.NewServer(t, socketio.Options{AsyncHandlers: concurrent})
			register(t, s.Namespace, map[string]any{"work": func(c *socketio.Context, n int) int {
				begun <- struct{}{}
				<-release
				return n
			}})
			c := join(t, s)
			var acks []<-chan []socketiotest.Value
			for n := range events {
				acks = append(acks, c.Start("work", n))
			}
			testkit.Await(t, begun, "event")
			stopped := make(chan error, 1)
			go func() { stopped <- s.Shutdown(limit(t)) }()
			testkit.Eventually(t, "begin of the shutdown", s.Draining)
			close(release)
			for n, ack := range acks {
				answers(t, testkit.Await(t, ack, "ack"), strconv.Itoa(n))
			}
			c.AwaitDisconnect()
			if err := testkit.Await(t, stopped, "end of the shutdown"); err != nil {
				t.Error(err)
			}
		})
	}
}

// A background task lives as long as the clients: until the last disconnect handler
// has run it may be asked for something.
func TestShutdownEndsTasksLast(t *testing.T) {
	var ended atomic.Bool
	late := make(chan bool, 1)
	s := serve(t, map[string]any{"disconnect": func() { late <- ended.Load() }})
	s.Go(func(ctx context.Context) {
		<-ctx.Done()
		ended.Store(true)
	})
	join(t, s)
	if err := s.Shutdown(limit(t)); err != nil {
		t.Error(err)
	}
	if testkit.Await(t, late, "disconnect") {
		t.Error("the background task had ended before the client was gone")
	}
	if !ended.Load() {
		t.Error("the background task has not ended")
	}
}
