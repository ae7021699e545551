package backend

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"hipflask/server/internal/stall"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"sync"
	"time"
)

// New makes a Backend. It connects to nobody: the backend may come later.
func New(opts Options) (*Backend, error) {
	if opts.Target == (Target{}) {
		return nil, errors.New("backend: no target")
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.Trusted == nil {
		opts.Trusted = func(*http.Request) bool { return false }
	}
	b := &Backend{
		target:  opts.Target,
		trusted: opts.Trusted,
		log:     opts.Logger,
		mark:    rand.Text(),
		stall:   cmp.Or(opts.stallTimeout, stallTimeout),
		health:  health{log: opts.Logger, target: opts.Target.String()},
	}
	transport := b.transport(cmp.Or(opts.headerTimeout, headerTimeout))
	b.idle = transport.CloseIdleConnections
	b.proxy = &httputil.ReverseProxy{
		Rewrite:        b.rewrite,
		Transport:      transport,
		FlushInterval:  -1,
		ModifyResponse: b.answered,
		ErrorHandler:   b.failed,
		ErrorLog:       slog.NewLogLogger(opts.Logger.Handler(), slog.LevelDebug),
		BufferPool:     &buffers{sync.Pool{New: func() any { return new([bufferSize]byte) }}},
	}
	return b, nil
}

func (b *Backend) transport(answer time.Duration) *http.Transport {
	dialer := &net.Dialer{Timeout: dialTimeout}
	dial := dialer.DialContext
	if socket := b.target.socket; socket != "" {
		dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", socket)
		}
	}
	return &http.Transport{
		// No proxy of the environment, no compression of its own, HTTP/1.1 alone: the
		// answer has to be the backend's, and a WebSocket needs a connection.
		DialContext:            dial,
		DisableCompression:     true,
		TLSHandshakeTimeout:    tlsTimeout,
		ResponseHeaderTimeout:  answer,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: maxHeader,
		MaxIdleConnsPerHost:    maxIdle,
		IdleConnTimeout:        idleTimeout,
		ReadBufferSize:         16 << 10,
	}
}

// ServeHTTP passes the request on and its answer back. Where the answer breaks off it
// panics with http.ErrAbortHandler, which ends the connection: what recovers from panics
// before it has to let that one through.
func (b *Backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	clear(w.Header()) // the answer is the backend's alone
	if loops(r, b.mark) {
		b.health.warn("a request came back from the backend", ErrLoop)
		http.Error(w, "The backend sends requests back to this server.", http.StatusLoopDetected)
		return
	}
	if !passable(r) {
		http.Error(w, "Bad Request", http.StatusBadRequest)
		return
	}
	b.noteUnnamedProxy(r)
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	s := &stream{cancel: cancel}
	out := withoutUpgrade(r).WithContext(context.WithValue(ctx, streamKey{}, s))
	s.client = stall.New(w, out, stall.Limits{Read: b.stall, Write: b.stall})
	defer s.client.Finish()
	if !b.streams.add(s) {
		w.Header().Set("Connection", "close")
		http.Error(w, "The server is shutting down.", http.StatusServiceUnavailable)
		return
	}
	defer b.streams.remove(s)
	b.counts.requests.Add(1)
	b.proxy.ServeHTTP(&writer{Writer: s.client, limit: b.stall}, out)
}

// failed answers where the backend did not.
func (b *Backend) failed(w http.ResponseWriter, r *http.Request, err error) {
	s := streamOf(r)
	if r.Context().Err() != nil || s.client.Failed() {
		// The client has gone, or the server goes down: nobody is there to answer.
		b.counts.cancelled.Add(1)
		panic(http.ErrAbortHandler)
	}
	status, text := http.StatusBadGateway, "The application behind this server does not answer."
	var late interface{ Timeout() bool }
	if errors.As(err, &late) && late.Timeout() && !isDial(err) {
		status, text = http.StatusGatewayTimeout, "The application behind this server takes too long."
		b.counts.timedOut.Add(1)
	} else {
		b.counts.failed.Add(1)
	}
	b.health.away(err)
	clear(w.Header())
	w.Header().Set("Connection", "close") // a body may be unread
	http.Error(w, text, status)
}

func isDial(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// answered is called with the header of each answer.
func (b *Backend) answered(resp *http.Response) error {
	b.health.back()
	s := streamOf(resp.Request)
	if resp.StatusCode == http.StatusSwitchingProtocols {
		b.counts.upgraded.Add(1)
		b.streams.endless(s)
		return nil
	}
	if isEvents(resp.Header) {
		b.streams.endless(s)
	}
	resp.Body = &answer{ReadCloser: resp.Body, backend: b, ctx: resp.Request.Context()}
	return nil
}
