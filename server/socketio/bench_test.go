package socketio_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hipflask/server/socketio"
	"hipflask/server/socketio/socketiotest"
)

// BenchmarkEvents handles what one client sends, a hundred events in a POST: an iteration
// is one event.
func BenchmarkEvents(b *testing.B) {
	const many = 100
	s := socketiotest.NewServer(b, socketio.Options{Logger: slog.New(slog.DiscardHandler)})
	handled, done := 0, make(chan struct{}, 1)
	if err := s.On("e", func(socketio.Value) {
		if handled++; handled%many == 0 {
			done <- struct{}{}
		}
	}); err != nil {
		b.Fatal(err)
	}
	serve := func(method, sid, body string) string {
		r := httptest.NewRequest(method, "/socket.io/?EIO=4&transport=polling"+sid, strings.NewReader(body))
		r.Header.Set("Content-Type", "text/plain;charset=UTF-8")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatalf("%s: %d %s", method, w.Code, w.Body)
		}
		return w.Body.String()
	}
	_, rest, _ := strings.Cut(serve(http.MethodGet, "", ""), `"sid":"`)
	id, _, _ := strings.Cut(rest, `"`)
	sid := "&sid=" + id
	serve(http.MethodPost, sid, "40")
	serve(http.MethodGet, sid, "") // it is connected
	body := strings.TrimSuffix(strings.Repeat("42[\"e\",1]\x1e", many), "\x1e")
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if n%many == 0 {
			serve(http.MethodPost, sid, body)
			<-done
		}
	}
}

// BenchmarkConnections opens a connection, has it connected and ends it.
func BenchmarkConnections(b *testing.B) {
	s := socketiotest.NewServer(b, socketio.Options{Logger: slog.New(slog.DiscardHandler)})
	gone := make(chan struct{}, 1)
	if err := s.On("disconnect", func() { gone <- struct{}{} }); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		c := socketiotest.Connect(b, s, socketiotest.Options{})
		c.Drop()
		<-gone
	}
}
