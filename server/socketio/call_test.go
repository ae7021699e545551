package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"hipflask/server/socketio"
	"hipflask/server/socketio/socketiotest"
	"hipflask/testdata/testkit"
)

// contextOf connects a client and returns the server's side of it, too.
func contextOf(t *testing.T, s *socketio.Server) (*socketiotest.Client, *socketio.Context) {
	t.Helper()
	contexts := make(chan *socketio.Context, 1)
	register(t, s.Namespace, map[string]any{"connect": func(c *socketio.Context) { contexts <- c }})
	return join(t, s), testkit.Await(t, contexts, "connect")
}

// outcome is what a Call returned.
type outcome struct {
	values []socketio.Value
	err    error
}

// ask starts a Call; its outcome comes through the channel.
func ask(ctx context.Context, c *socketio.Context, event string, args ...any) <-chan outcome {
	done := make(chan outcome, 1)
	go func() {
		values, err := c.Call(ctx, event, args...)
		done <- outcome{values, err}
	}()
	return done
}

// Call returns what the client acknowledges with.
func TestCall(t *testing.T) {
	client, c := contextOf(t, serve(t, nil))
	for name, test := range map[string]struct {
		reply []any
		want  string
	}{
		"nothing": {nil, "[]"},
		"one":     {[]any{"yes"}, "[yes]"},
		"several": {[]any{1, "two", nil, []byte("x")}, "[1 two None b'x']"},
	} {
		t.Run(name, func(t *testing.T) {
			done := ask(limit(t), c, "question", "sure?")
			e := client.Receive("question")
			if e.String() != `question ["sure?"]` {
				t.Errorf("received %s", e)
			}
			e.Ack(test.reply...)
			got := testkit.Await(t, done, "end of Call")
			if text := show(got.values); got.err != nil || text != test.want {
				t.Errorf("Call returned %s, %v, want %s", text, got.err, test.want)
			}
		})
	}
}

func show(values []socketio.Value) string {
	text := "["
	for i, v := range values {
		if i > 0 {
			text += " "
		}
		text += v.String()
	}
	return text + "]"
}

// Calls under way at the same time each get their own answer, whatever the order.
func TestCallsUnderWay(t *testing.T) {
	client, c := contextOf(t, serve(t, nil))
	first := ask(limit(t), c, "first")
	one := client.Receive("first")
	second := ask(limit(t), c, "second")
	client.Receive("second").Ack(2)
	if got := testkit.Await(t, second, "end of Call"); show(got.values) != "[2]" {
		t.Errorf("the second Call returned %v, %v", got.values, got.err)
	}
	one.Ack(1)
	one.Ack("twice: nobody waits for that")
	if got := testkit.Await(t, first, "end of Call"); show(got.values) != "[1]" {
		t.Errorf("the first Call returned %v, %v", got.values, got.err)
	}
}

// A handler may Call its own client: acks pass the events that wait behind it.
func TestCallFromAHandler(t *testing.T) {
	s := serve(t, map[string]any{
		"ask": func(c *socketio.Context) (string, error) {
			values, err := c.Call(c.Context(), "question")
			if err != nil {
				return "", err
			}
			return show(values), nil
		},
		"next": func() string { return "next" },
	})
	c := join(t, s)
	asked, next := c.Start("ask"), c.Start("next")
	c.Receive("question").Ack("answer")
	answers(t, testkit.Await(t, asked, "ack"), `"[answer]"`)
	answers(t, testkit.Await(t, next, "ack"), `"next"`)
}

// A Call that ends without an answer says why: the caller's context, its deadline,
// or the client's end.
func TestCallWithoutAnAnswer(t *testing.T) {
	reason := errors.New("reason")
	tests := map[string]struct {
		ctx  func(t *testing.T) context.Context
		then func(c *socketiotest.Client)
		want error
	}{
		"deadline": {func(t *testing.T) context.Context {
			ctx, cancel := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
			t.Cleanup(cancel)
			return ctx
		}, nil, context.DeadlineExceeded},
		"cancelled": {func(t *testing.T) context.Context {
			ctx, cancel := context.WithCancelCause(context.Background())
			cancel(reason)
			return ctx
		}, nil, reason},
		"client disconnects":     {limit, (*socketiotest.Client).Disconnect, socketio.ErrDisconnected},
		"client's network fails": {limit, (*socketiotest.Client).Drop, socketio.ErrDisconnected},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			client, c := contextOf(t, serve(t, nil))
			done := ask(test.ctx(t), c, "question")
			e := client.Receive("question")
			if test.then != nil {
				test.then(client)
			}
			if got := testkit.Await(t, done, "end of Call"); !errors.Is(got.err, test.want) || got.values != nil {
				t.Errorf("Call returned %v, %v, want %v", got.values, got.err, test.want)
			}
			if test.then == nil {
				e.Ack("late") // for nobody; the connection stays
				again := ask(limit(t), c, "question")
				client.Receive("question").Ack("in time")
				if got := testkit.Await(t, again, "end of Call"); show(got.values) != "[in time]" {
					t.Errorf("the next Call returned %v, %v", got.values, got.err)
				}
			}
		})
	}
}

// A Call to a client that has left fails at once.
func TestCallAfterTheEnd(t *testing.T) {
	client, c := contextOf(t, serve(t, nil))
	client.Disconnect()
	<-c.Context().Done()
	if _, err := c.Call(limit(t), "question"); !errors.Is(err, socketio.ErrDisconnected) {
		t.Errorf("Call returned %v", err)
	}
	if err := context.Cause(c.Context()); !errors.Is(err, socketio.ErrDisconnected) {
		t.Errorf("the context ended with %v", err)
	}
}

// Target.Call gathers the answers of all that it names.
func TestTargetCall(t *testing.T) {
	s := serve(t, nil)
	clients := []*socketiotest.Client{join(t, s), join(t, s), join(t, s)}
	type result struct {
		answers []socketio.Answer
		err     error
	}
	call := func(ctx context.Context, target *socketio.Target) <-chan result {
		done := make(chan result, 1)
		go func() {
			got, err := target.Call(ctx, "question")
			done <- result{got, err}
		}()
		return done
	}

	done := call(limit(t), s.To())
	for i, c := range clients {
		c.Receive("question").Ack(i)
	}
	got := testkit.Await(t, done, "end of Call")
	seen := map[string]string{} // by client
	for _, a := range got.answers {
		seen[a.Client] = show(a.Values)
	}
	for i, c := range clients {
		if want := fmt.Sprintf("[%d]", i); got.err != nil || len(seen) != 3 || seen[c.ID()] != want {
			t.Errorf("Call returned %v, %v, want %s of client %d", got.answers, got.err, want, i)
		}
	}

	if got := testkit.Await(t, call(limit(t), s.To("nobody")), "end of Call"); got.err != nil || len(got.answers) != 0 {
		t.Errorf("Call to nobody returned %v, %v", got.answers, got.err)
	}

	ctx, cancel := context.WithCancel(context.Background())
	done = call(ctx, s.Except(clients[2].ID()))
	clients[0].Receive("question").Ack("only one")
	answered := clients[1].Receive("question")
	// The ack is in once a later event of the same client has been handled.
	register(t, s.Namespace, map[string]any{"barrier": func() {}})
	clients[0].Call("barrier")
	cancel()
	if got := testkit.Await(t, done, "end of Call"); !errors.Is(got.err, context.Canceled) || len(got.answers) != 1 || show(got.answers[0].Values) != "[only one]" {
		t.Errorf("Call returned %v, %v", got.answers, got.err)
	}
	answered.Ack("late")
	clients[1].Call("barrier")
}
