// Package relay passes HTTP requests on to another server and its answers back, both as they come:
// what stands behind this server, and who has a session that is not here. It owns the time limits
// of that and what is under way; where a request goes, and what it says of where it came from, is
// decided by who relays.
//
// Both bodies are never held, WebSockets and server-sent events neither. A client that does not
// read its answer, or send its body on, is cut; how long an answer takes as a whole is not limited
// here.
package relay

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"sync"
	"time"

	"hipflask/server/internal/stall"
)

// Options says how requests are passed on.
type Options struct {
	// Transport sends them. It must not compress by itself.
	Transport http.RoundTripper
	// Rewrite makes the request that the other server gets; see [Target.Aim].
	Rewrite func(*httputil.ProxyRequest)
	// Gather has an answer of known length leave as it fills buffers, not as it comes.
	Gather bool
	// Upgrades says that WebSockets are those which sessions of Engine.IO that poll go over to:
	// [Relay.Close] does not end one in the middle of that.
	Upgrades bool
	// Stall is how long a client may take for the next bytes of an answer or a body.
	Stall time.Duration
	// Answered is told of each answer's header, and may change it. Broke is told of an answer that
	// began and was not finished. Nil: nobody is.
	Answered func(*http.Response)
	Broke    func(error)
	// Logger is told, as debug lines, what net/http/httputil has to say.
	Logger *slog.Logger
}

// Relay passes requests on until it is closed.
type Relay struct {
	opts    Options
	proxy   *httputil.ReverseProxy
	streams streams
}

// The errors of [Relay.Serve] beside those of the transport.
var (
	// ErrClosing is that of a request that comes after [Relay.Close].
	ErrClosing = errors.New("relay: the server is shutting down")
	// ErrGone is that of a client that has gone, or was cut, before it had an answer.
	ErrGone = errors.New("relay: the client has gone")
)

// New makes a Relay.
func New(opts Options) *Relay {
	r := &Relay{opts: opts}
	flush := time.Duration(-1)
	if opts.Gather {
		flush = 0
	}
	r.proxy = &httputil.ReverseProxy{
		Rewrite:        opts.Rewrite,
		Transport:      opts.Transport,
		FlushInterval:  flush,
		ModifyResponse: r.answered,
		ErrorHandler:   failed,
		ErrorLog:       slog.NewLogLogger(opts.Logger.Handler(), slog.LevelDebug),
		BufferPool:     &buffers{sync.Pool{New: func() any { return new([bufferSize]byte) }}},
	}
	return r
}

// Serve passes the request on and its answer back. Where there is none, failed gets the reason, and
// is to answer: nothing was written yet. Where the answer breaks off Serve panics with
// http.ErrAbortHandler, which ends the connection: what recovers from panics before it has to let
// that one through. failed may do the same.
func (r *Relay) Serve(w http.ResponseWriter, req *http.Request, failed func(http.ResponseWriter, error)) {
	ctx, cancel := context.WithCancelCause(req.Context())
	defer cancel(nil)
	s := &stream{cancel: cancel, failed: failed}
	out := withoutUpgrade(req).WithContext(context.WithValue(ctx, streamKey{}, s))
	s.client = stall.New(w, out, stall.Limits{Read: r.opts.Stall, Write: r.opts.Stall})
	defer s.client.Finish()
	if !r.streams.add(s) {
		failed(w, ErrClosing)
		return
	}
	defer r.streams.remove(s)
	r.proxy.ServeHTTP(&writer{Writer: s.client, limit: r.opts.Stall}, out)
}

// failed has the request answered, which the other server did not.
func failed(w http.ResponseWriter, r *http.Request, err error) {
	s := streamOf(r)
	if r.Context().Err() != nil || s.client.Failed() {
		err = ErrGone
	}
	s.failed(w, err)
}

// answered is called with the header of each answer.
func (r *Relay) answered(resp *http.Response) error {
	if r.opts.Answered != nil {
		r.opts.Answered(resp)
	}
	s := streamOf(resp.Request)
	if resp.StatusCode == http.StatusSwitchingProtocols {
		if both, ok := resp.Body.(io.ReadWriteCloser); ok {
			through := &tunnel{ReadWriteCloser: both}
			if r.opts.Upgrades {
				through.upgraded = func() { r.streams.upgraded(s) }
			}
			resp.Body = through
		}
		r.streams.endless(s, r.opts.Upgrades)
		return nil
	}
	if isEvents(resp.Header) {
		r.streams.endless(s, false)
	}
	resp.Body = &answer{ReadCloser: resp.Body, relay: r, ctx: resp.Request.Context()}
	return nil
}

// Active is how many requests are under way.
func (r *Relay) Active() int { return r.streams.active() }

// Close refuses further requests, ends WebSockets and server-sent events, which have no end of
// their own, and waits for the others until ctx ends; then they are cut, and ctx's error is
// returned. A session that is about to go over to a WebSocket has upgradeGrace for that.
func (r *Relay) Close(ctx context.Context) error { return r.streams.close(ctx) }
