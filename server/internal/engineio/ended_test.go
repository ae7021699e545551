package engineio

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// atEnd is a log that does something when it is told that a session has ended: while that is still
// on the server's list.
type atEnd struct {
	slog.Handler
	do func()
}

func (h *atEnd) Enabled(context.Context, slog.Level) bool { return true }

func (h *atEnd) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "connection ended" {
		h.do()
	}
	return nil
}

func (h *atEnd) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h *atEnd) WithGroup(string) slog.Handler      { return h }

// A session that is ended again, as by the POST that has ended it, lets the last answer through: that is
// what its client's poll is told by. Cut off, it was sent again by whoever had sent it.
func TestLastAnswerOfASessionThatEndsTwice(t *testing.T) {
	f := start(t)
	o, _ := f.polling(4)
	o.abort(ClientDisconnect)
	last := &answer{response: http.NewResponseController(httptest.NewRecorder()), memory: f.srv.cfg.Memory}
	o.mu.Lock()
	o.polls.answer = last // as of a poll that the end has woken
	o.mu.Unlock()
	o.abort(ClientDisconnect)
	if last.cut {
		t.Error("the last answer is cut off")
	}
}

// A request that comes while its session ends is answered like one that comes a moment later, and
// is no more of a fault: a proxy sends a poll again whose answer was cut off by that end.
func TestRequestsWhileTheirSessionEnds(t *testing.T) {
	for reason, late := range map[Reason]uint64{ClientDisconnect: 0, PingTimeout: 3} {
		t.Run(string(reason), func(t *testing.T) {
			var answers []string
			log := &atEnd{Handler: slog.DiscardHandler}
			f := start(t, func(c *Config) { c.Logger = slog.New(log) })
			o, query := f.polling(4)
			log.do = func() {
				for _, method := range []string{http.MethodGet, http.MethodPost} {
					status, body, err := f.do(method, query, "2")
					answers = append(answers, fmt.Sprint(status, body, err))
				}
				answers = append(answers, fmt.Sprint(f.handshake("/engine.io/?"+strings.Replace(query, "polling", "websocket", 1), "13")))
			}
			o.abort(reason)
			const unknown = `400{"code":1,"message":"Session ID unknown"}<nil>`
			if want := []string{unknown, unknown, "400"}; !slices.Equal(answers, want) {
				t.Errorf("answered %q, want %q", answers, want)
			}
			counts := f.srv.Stats().Refused
			maps.DeleteFunc(counts, func(_ Cause, n uint64) bool { return n == 0 })
			want := map[Cause]uint64{CauseLateSession: late}
			if late == 0 {
				want = map[Cause]uint64{}
			}
			if !maps.Equal(counts, want) {
				t.Errorf("refusals %v, want %v", counts, want)
			}
		})
	}
}
