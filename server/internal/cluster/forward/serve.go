package forward

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"hipflask/server/internal/causes"
	"hipflask/server/internal/engineio"
	"hipflask/server/internal/relay"
	"hipflask/server/internal/sparse"
)

// tellTimeout is how long a server has to be told that a client has left, or that its poll is to
// end.
const tellTimeout = 2 * time.Second

// leftTime is how long it has to end a poll then.
const leftTime = time.Second

// Serve passes a request for a session that is not here on to the server that has it. The client
// was admitted, and r.RemoteAddr is its address. It reports false, and has answered nothing, where
// no server has the session.
func (f *Forwarder) Serve(w http.ResponseWriter, r *http.Request, sid string) bool {
	end := strings.LastIndexByte(sid, '.')
	if end < 0 || !isID(sid[:end]) || sid[:end] == f.id || f.keys.Signing() == nil {
		return false
	}
	p := f.registry.find(context.WithoutCancel(r.Context()), sid[:end]) // a client that has ended its side may still read
	if p == nil {
		f.counts.unknown.Add(1)
		return false
	}
	if p.apart {
		f.counts.unknown.Add(1)
		f.log.Warn("a session's server is reached from its own machine alone: its clients have to come back to it by themselves",
			"server", p.address, "cause", causes.Address)
		return false
	}
	if !f.enter(p) {
		f.counts.refused.Add(1)
		f.log.Warn("request refused: too many are passed on to other servers already", "server", p.address, "address", r.RemoteAddr,
			"limit", f.opts.MostEach, "cause", causes.Busy)
		w.Header().Set("Retry-After", "1")
		http.Error(w, "Too many requests for another server", http.StatusServiceUnavailable)
		return true
	}
	defer f.leave(p)
	return f.pass(w, r, p)
}

// enter counts a request in, until leave, unless it is one too many.
func (f *Forwarder) enter(p *endpoint) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f.opts.MostEach > 0 && p.active >= f.opts.MostEach || f.opts.Most > 0 && f.relay.Active() >= f.opts.Most {
		return false
	}
	p.active++
	return true
}

func (f *Forwarder) leave(p *endpoint) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.active--
}

// pass passes a request on, and reports false where the server is gone. It goes on where the client
// ends its side of the connection, which may still read the answer: what that means for a poll, the
// server decides that has the session.
func (f *Forwarder) pass(w http.ResponseWriter, r *http.Request, p *endpoint) (answered bool) {
	ctx, cancel := context.WithCancel(context.WithValue(context.WithoutCancel(r.Context()), endpointKey{}, p))
	defer cancel()
	out := r.WithContext(ctx)
	answer := &response{ResponseWriter: w}
	if r.Body != nil && r.Body != http.NoBody {
		answer.body = &wholeBody{ReadCloser: r.Body, left: r.ContentLength}
		out.Body = answer.body
	} else {
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // when it passes, net/http takes the client for gone
	}
	if isPoll(r) {
		waits := &poll{endpoint: p, request: r}
		f.polls.Store(waits, nil)
		defer f.polls.Delete(waits)
		defer context.AfterFunc(r.Context(), func() {
			f.counts.left.Add(1)
			f.tell(waits, verbLeft)
			time.AfterFunc(leftTime, cancel) // by then it has ended the poll
		})()
		defer func() {
			if cut := recover(); cut != nil { // the answer did not get through
				f.tell(waits, verbLost)
				panic(cut)
			}
		}()
	}
	var failure error
	f.relay.Serve(answer, out, func(_ http.ResponseWriter, err error) {
		if errors.Is(err, relay.ErrGone) {
			panic(http.ErrAbortHandler)
		}
		failure = err
	})
	return f.finish(w, failure, p)
}

// isPoll reports whether a request waits for what the session has to say.
func isPoll(r *http.Request) bool {
	return r.Method == http.MethodGet && r.Header.Get("Upgrade") == ""
}

// finish counts what became of a request, and answers what the other server did not, if that one
// may still be there.
func (f *Forwarder) finish(w http.ResponseWriter, failure error, p *endpoint) (answered bool) {
	if failure == nil {
		f.counts.answered.Add(1)
		return true
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(f.opts.Stall)) // that from the beginning may be over
	var late net.Error
	switch {
	case errors.Is(failure, relay.ErrClosing):
		f.counts.left.Add(1)
		return false
	case relay.IsDial(failure):
		f.counts.unknown.Add(1)
	case errors.As(failure, &late) && late.Timeout():
		f.counts.late.Add(1)
		f.log.Warn("a request was given up: the server that has its session does not answer", "server", p.address)
		w.Header().Set("Connection", "close") // a body may be unread
		http.Error(w, "The server that has this session does not answer.", http.StatusGatewayTimeout)
		return true
	default: // it was killed, or somebody else listens there
		f.counts.broken.Add(1)
	}
	f.log.Debug("a session's server is gone", "server", p.address, "error", failure)
	return false
}

// rewrite makes the request that the other server gets.
func (f *Forwarder) rewrite(r *httputil.ProxyRequest) {
	p := endpointOf(r.In.Context())
	p.target.Aim(r)
	f.prove(r.Out, p, verbPass, r.In.RemoteAddr)
}

// prove signs a request.
func (f *Forwarder) prove(out *http.Request, p *endpoint, verb, client string) {
	word := proof{verb: verb, from: f.id, target: p.id, client: client, at: f.keys.Now()}
	out.Header[Header] = []string{word.sign(f.keys.Signing(), out.Method, out.URL.RequestURI())}
}

// answered has a connection end with its answer where the other server's does.
func answered(resp *http.Response) {
	if resp.Close && resp.StatusCode != http.StatusSwitchingProtocols {
		resp.Header.Set("Connection", "close")
	}
}

// tell says something of a client's poll to the server that has its session. That finds out by
// itself, by the session's heartbeat, what it is not told.
func (f *Forwarder) tell(waits *poll, verb string) { f.say(waits.endpoint, verb, waits.request) }

// Alive reports whether a server still is there, as far as this one can tell.
func (f *Forwarder) Alive(id string) bool {
	p := f.registry.find(f.life, id)
	return p == nil || p.apart || f.say(p, verbAlive, &http.Request{URL: &url.URL{Path: "/"}, RequestURI: "/", RemoteAddr: "-"})
}

// say says something that belongs to a request, and reports whether it was heard.
func (f *Forwarder) say(to *endpoint, verb string, in *http.Request) bool {
	ctx, cancel := context.WithTimeout(context.WithValue(f.life, endpointKey{}, to), tellTimeout)
	defer cancel()
	at := *in.URL
	out := (&http.Request{Method: http.MethodPost, URL: &at, Header: make(http.Header)}).WithContext(ctx)
	to.target.Aim(&httputil.ProxyRequest{In: in, Out: out})
	f.prove(out, to, verb, in.RemoteAddr)
	resp, err := f.trips.RoundTrip(out)
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxReplyHeader)) // for the connection to be used again
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusNoContent
}

// response is the way to the client. Its connection is to end with the answer, unless its whole
// body was passed on: net/http would wait for the rest.
type response struct {
	http.ResponseWriter
	body *wholeBody // nil without
}

// Unwrap lets http.ResponseController find what is beneath.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *response) WriteHeader(status int) {
	if w.body == nil || w.body.whole.Load() {
		w.Header().Del("Connection")
	}
	w.ResponseWriter.WriteHeader(status)
}

// wholeBody notes its end, which the answer may be ahead of.
type wholeBody struct {
	io.ReadCloser
	left  int64 // bytes that are still to come; negative: unknown. The reader's
	whole atomic.Bool
}

func (b *wholeBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left == 0 || errors.Is(err, io.EOF) {
		b.whole.Store(true)
	}
	return n, err
}

// Take takes a request that another server has passed on, or reports false: it comes from a client,
// and nothing of it says otherwise any more. It is to be asked before anything else reads the
// request; a nil Forwarder takes none.
func (f *Forwarder) Take(w http.ResponseWriter, r *http.Request) bool {
	if _, is := r.Header[Header]; !is {
		return false
	}
	if f == nil {
		delete(r.Header, Header)
		return false
	}
	p, err := read(r, f.keys.Accepted(), f.keys.Now(), f.id)
	delete(r.Header, Header)
	if p == nil {
		f.counts.unproven.Add(1)
		f.log.Warn("a request that was passed on, as it says, is taken for a client's", "reason", err, "address", r.RemoteAddr,
			"path", sparse.Cut(r.URL.Path))
		return false
	}
	f.peers.prove(r.RemoteAddr)
	switch {
	case errors.Is(err, errSkewed):
		f.counts.skewed.Add(1)
		f.log.Error("a request that another server has passed on is refused", "reason", err, "from", r.RemoteAddr,
			"off", f.keys.Now().Sub(p.at).Round(time.Second).String(), "most", maxSkew.String(),
			"hint", "servers go by the clock of Redis: it may have jumped, or the request was recorded and sent again")
	case err != nil:
		f.counts.misled.Add(1)
	default:
		f.counts.served.Add(1)
	}
	r.RemoteAddr = p.client
	f.opts.Serve(w, r, engineio.Forwarded{From: p.from, Wish: wish(p.verb, err)})
	return true
}
