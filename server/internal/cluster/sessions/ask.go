package sessions

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"hipflask/server/internal/causes"
	"hipflask/server/internal/cluster/nodewire"
	"hipflask/server/internal/fanout"
)

// A server that has taken a session tells the one that had it, on a channel which that one alone
// listens to. That one ends the client's connection, if there still is one, and answers, once its
// disconnect handler has run, with the session as it is then. A server that does not listen is not
// waited for: its process is gone.

// message is what servers say to each other: a question has Ask, an answer none.
type message struct {
	Ask     string `json:"ask,omitempty"` // the pid of the session that was taken
	From    string `json:"from,omitempty"`
	ID      string `json:"id"` // of the question
	Session string `json:"session,omitempty"`
	Gone    bool   `json:"gone,omitempty"` // nobody may come back to it
}

// Channel is where this server is told of sessions that others have taken.
func (st *Store) Channel() string { return st.channel(st.opts.Server) }

func (st *Store) channel(server string) string { return st.opts.Prefix + "#session#" + server + "#" }

// ask tells a server that its session was taken. Without an answer in time the session is what is
// in Redis.
func (st *Store) ask(server, pid string) (newer *fanout.Session, gone bool) {
	if st.isSilent(server) {
		return nil, false
	}
	ctx, cancel := context.WithTimeout(st.life, askTime)
	defer cancel()
	question := message{Ask: pid, From: st.opts.Server, ID: rand.Text()[:16]}
	answered := make(chan answer, 1)
	st.mu.Lock()
	st.asked[question.ID] = answered
	st.mu.Unlock()
	defer func() {
		st.mu.Lock()
		delete(st.asked, question.ID)
		st.mu.Unlock()
	}()
	listeners, err := st.tell(ctx, server, question)
	if err == nil && listeners == 0 {
		return nil, false
	}
	if err == nil {
		select {
		case a := <-answered:
			return a.session, a.gone
		case <-ctx.Done():
			err = errSilent
			st.noteSilent(server)
		}
	}
	st.opts.Logger.Warn("a client came back here while another server may still have it: that one has not answered, and has lost it",
		"error", shortened(err), "within", askTime, "cause", causes.Away)
	return nil, false
}

// silentFor is how long a server that did not answer is not waited for again.
const silentFor = 10 * time.Second

func (st *Store) isSilent(server string) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	at, silent := st.silent[server]
	return silent && time.Since(at) < silentFor
}

func (st *Store) noteSilent(server string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for other, at := range st.silent {
		if time.Since(at) >= silentFor {
			delete(st.silent, other)
		}
	}
	st.silent[server] = time.Now()
}

var errSilent = errors.New("no answer")

// tell publishes a message, and returns how many have heard it.
func (st *Store) tell(ctx context.Context, server string, m message) (listeners int64, err error) {
	payload, err := json.Marshal(m)
	if err != nil {
		return 0, err
	}
	node, err := st.opts.Node(ctx)
	if err != nil {
		return 0, err
	}
	return node.Publish(ctx, st.channel(server), payload).Result()
}

// Handle takes what came on this server's channel. It does not wait.
func (st *Store) Handle(payload string) error {
	if len(payload) > maxMessage {
		return errMessage
	}
	var m message
	if err := json.Unmarshal([]byte(payload), &m); err != nil || m.ID == "" || m.Ask != "" && !isServer(m.From) {
		return errMessage
	}
	if m.Ask == "" {
		return st.answered(m)
	}
	select {
	case st.answers <- struct{}{}:
		go func() {
			defer func() { <-st.answers }()
			st.answer(m)
		}()
		return nil
	default:
		return errBusy
	}
}

const maxMessage = 2 * maxSession

var (
	errMessage = errors.New("no message on a session")
	errBusy    = errors.New("too many sessions are taken at a time")
)

// isServer reports whether text can be a server's name, on whose channel it is answered.
func isServer(text string) bool {
	return len(text) == nodewire.ServerDigits && !strings.ContainsFunc(text, func(c rune) bool {
		return (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '-'
	})
}

// answered hands an answer to the goroutine that asked.
func (st *Store) answered(m message) error {
	a := answer{gone: m.Gone}
	if m.Session != "" {
		s, _, err := decode(m.Session)
		if err != nil {
			return err
		}
		a.session = s
	}
	st.mu.Lock()
	waits := st.asked[m.ID]
	st.mu.Unlock()
	if waits != nil {
		select {
		case waits <- a:
		default: // it has one
		}
	}
	return nil
}

// answer gives up a session that another server has taken.
func (st *Store) answer(m message) {
	ctx, cancel := context.WithTimeout(st.life, askTime)
	defer cancel()
	out := message{ID: m.ID}
	st.mu.Lock()
	e := st.kept[m.Ask]
	if e != nil && e.discard {
		out.Gone, e = true, nil
	}
	if e != nil && !e.lost {
		st.loseLocked(e)
	}
	st.mu.Unlock()
	if e != nil {
		timeout := time.NewTimer(askTime)
		defer timeout.Stop()
		st.await(e, timeout.C, func() bool { return e.over || e.discard })
		st.mu.Lock()
		over, discard := e.over, e.discard
		st.mu.Unlock()
		if discard {
			out.Gone = true
		} else if over { // else a handler still runs, and it is late
			s := e.of.Session()
			if text, err := encode(&s, st.opts.Server); err == nil && len(text) <= maxSession {
				out.Session = text
			}
		}
	}
	if _, err := st.tell(ctx, m.From, out); err != nil && st.life.Err() == nil {
		st.opts.Logger.Warn("a server that has taken a session cannot be answered", "error", shortened(err), "cause", causes.Away)
	}
}
