package engineio

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hipflask/server/internal/budget"
)

// passOn has the server serve a poll as another server passes it on.
func (f *fixture) passOn(from, query string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	f.srv.ServeForwarded(w, httptest.NewRequest(http.MethodGet, "/engine.io/?"+query, nil), Forwarded{From: from})
	return w
}

// A poll whose server is killed with the answer in its hands comes again by another way, and is
// answered the same; one that only looks the same is not.
func TestLostAnswerIsGivenAgain(t *testing.T) {
	alive := true
	f := start(t, func(c *Config) { c.Alive = func(string) bool { return alive } })
	o, query := f.polling(4)
	answered := func(from, at, want string) {
		t.Helper()
		if w := f.passOn(from, query+at); w.Code != http.StatusOK || w.Body.String() != want {
			t.Errorf("%s by %s: %d %q, want %q", at, from, w.Code, w.Body, want)
		}
	}
	o.Send(textMessage(t, "one"))
	answered("a", "&t=1", "4one")
	o.Send(textMessage(t, "two"))
	answered("b", "&t=1", "4two") // a is there, so the client has it
	alive = false
	answered("c", "&t=1", "4two")
	o.Send(textMessage(t, "three"))
	answered("a", "&t=2", "4three")
	// Without t, nobody knows whether the client has it.
	o.Send(textMessage(t, "four"))
	answered("a", "", "4four")
	if w := f.passOn("b", query); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "Session ID unknown") {
		t.Errorf("%d %q", w.Code, w.Body)
	}
	o.ends(t, TransportClose)
}

// What is kept of an answer counts in what all clients may hold, until the next poll, the upgrade
// or the end. Where half of that is held already, nothing is kept.
func TestMemoryOfKeptAnswers(t *testing.T) {
	f := start(t, func(c *Config) {
		c.Alive = func(string) bool { return false }
		c.Memory = budget.New(96 << 10)
	})
	held := func(want int64) {
		t.Helper()
		if got := f.srv.cfg.Memory.Used(); got/1024 != want {
			t.Errorf("%d bytes are held, want %d KiB", got, want)
		}
	}
	poll := func(query string, status int) {
		t.Helper()
		if w := f.passOn("a", query); w.Code != status {
			t.Errorf("answered %d %.100q, want %d", w.Code, w.Body, status)
		}
	}
	text := strings.Repeat("x", 12<<10)
	first, one := f.polling(4)
	first.Send(textMessage(t, text))
	poll(one+"&t=1", http.StatusOK)
	held(13)
	poll(one+"&t=1", http.StatusOK) // again, by another way
	held(0)
	first.Send(textMessage(t, text))
	poll(one+"&t=2", http.StatusOK)
	second, two := f.polling(4)
	second.Send(textMessage(t, text))
	poll(two+"&t=1", http.StatusOK)
	held(13) // more than half would be held
	poll(two+"&t=1", http.StatusBadRequest)
	second.ends(t, TransportClose)
	first.abort(TransportClose)
	first.ends(t, TransportClose)
	held(0)
}
