package engineio

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// lateAnswer is a http1.Later that keeps what it is to run.
type lateAnswer struct {
	*httptest.ResponseRecorder
	runs []func()
	done bool
}

func (l *lateAnswer) Later(func())            {}
func (l *lateAnswer) TryFlush() (bool, error) { return true, nil }
func (l *lateAnswer) Go(f func())             { l.runs = append(l.runs, f) }
func (l *lateAnswer) Done()                   { l.done = true }

// Who has something for a poll writes a short answer itself, and no long one, for which it might
// have to wait: also where base64 alone makes it long.
func TestLongAnswersAreWrittenAside(t *testing.T) {
	f := start(t)
	for _, test := range []struct {
		data  string
		aside int
	}{
		{"short", 0}, {strings.Repeat("x", atOnce*9/10), 1}, {strings.Repeat("x", 2*atOnce), 1},
	} {
		o, query := f.polling(4)
		q, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		f.await(func() bool { // the client may have the answer to its handshake before that has ended
			o.mu.Lock()
			defer o.mu.Unlock()
			return o.polls.answer == nil
		})
		w := &lateAnswer{ResponseRecorder: httptest.NewRecorder()}
		o.serveGET(w, httptest.NewRequest(http.MethodGet, "/?"+query, nil), q)
		o.Send(textMessage(t, "51-x", []byte(test.data)))
		if len(w.runs) != test.aside || w.done != (test.aside == 0) {
			t.Errorf("%d bytes: %d run aside, done: %v", len(test.data), len(w.runs), w.done)
		}
		for _, run := range w.runs {
			run()
		}
		if !w.done || w.Body.Len() < len(test.data) {
			t.Errorf("%d bytes: answered with %d, done: %v", len(test.data), w.Body.Len(), w.done)
		}
	}
}
