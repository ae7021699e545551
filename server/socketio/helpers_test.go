package socketio_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"hipflask/server/socketio"
	"hipflask/server/socketio/socketiotest"
	"hipflask/testdata/testkit"
)

// serve makes a server with these handlers for "/".
func serve(t *testing.T, handlers map[string]any) *socketio.Server {
	t.Helper()
	s := socketiotest.NewServer(t, socketio.Options{})
	register(t, s.Namespace, handlers)
	return s
}

func register(t *testing.T, n *socketio.Namespace, handlers map[string]any) {
	t.Helper()
	for event, handler := range handlers {
		if err := n.On(event, handler); err != nil {
			t.Fatal(err)
		}
	}
}

// join connects a client to "/".
func join(t *testing.T, s *socketio.Server) *socketiotest.Client {
	t.Helper()
	return socketiotest.Connect(t, s, socketiotest.Options{})
}

// joinAs connects a client to a namespace.
func joinAs(t *testing.T, s *socketio.Server, namespace string) *socketiotest.Client {
	t.Helper()
	return socketiotest.Connect(t, s, socketiotest.Options{Namespace: namespace})
}

// failure is what an error handler was told.
type failure struct {
	sid, event string
	err        error
}

// failures makes a channel and an error handler that fills it.
func failures() (chan failure, socketio.ErrorHandler) {
	all := make(chan failure, 100)
	return all, func(c *socketio.Context, event string, err error) {
		all <- failure{c.ID(), event, err}
	}
}

// hears checks the next events of a client, each as Event.String shows it.
func hears(t *testing.T, c *socketiotest.Client, want ...string) {
	t.Helper()
	for _, w := range want {
		if got := c.Next().String(); got != w {
			t.Fatalf("received %s, want %s", got, w)
		}
	}
}

// answers checks an acknowledgement, each value written as JSON.
func answers(t *testing.T, got []socketiotest.Value, want ...string) {
	t.Helper()
	texts := []string{}
	for _, v := range got {
		texts = append(texts, v.String())
	}
	if !slices.Equal(texts, append([]string{}, want...)) {
		t.Errorf("acknowledged with [%s], want [%s]", strings.Join(texts, ","), strings.Join(want, ","))
	}
}

// limit is a context that ends with testkit.Deadline.
func limit(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Deadline)
	t.Cleanup(cancel)
	return ctx
}
