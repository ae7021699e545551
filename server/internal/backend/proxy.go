package backend

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"hipflask/server/internal/relay"
)

// New makes a Backend. It connects to nobody: the backend may come later.
func New(opts Options) (*Backend, error) {
	if opts.Target == (relay.Target{}) {
		return nil, errors.New("backend: no target")
	}
	opts.Logger = cmp.Or(opts.Logger, slog.New(slog.DiscardHandler))
	if opts.Trusted == nil {
		opts.Trusted = func(*http.Request) bool { return false }
	}
	b := &Backend{
		target:  opts.Target,
		trusted: opts.Trusted,
		log:     opts.Logger,
		mark:    rand.Text(),
		health:  health{log: opts.Logger, target: opts.Target.String()},
	}
	transport := b.transport(cmp.Or(opts.headerTimeout, headerTimeout))
	b.idle = transport.CloseIdleConnections
	b.relay = relay.New(relay.Options{
		Transport: transport,
		Rewrite:   b.rewrite,
		Stall:     cmp.Or(opts.stallTimeout, stallTimeout),
		Answered:  b.answered,
		Broke: func(err error) {
			b.counts.brokenOff.Add(1)
			b.health.broke(err)
		},
		Logger: opts.Logger,
	})
	return b, nil
}

func (b *Backend) transport(answer time.Duration) *http.Transport {
	dialer := &net.Dialer{Timeout: dialTimeout}
	return &http.Transport{
		// No proxy of the environment, no compression of its own, HTTP/1.1 alone: the answer has to
		// be the backend's, and a WebSocket needs a connection.
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return b.target.Dial(ctx, dialer)
		},
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

// ServeHTTP passes the request on and its answer back. Where the answer breaks off it panics with
// http.ErrAbortHandler, which ends the connection: what recovers from panics before it has to let
// that one through.
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
	b.relay.Serve(w, r, b.failed)
}

// failed answers where the backend did not.
func (b *Backend) failed(w http.ResponseWriter, err error) {
	status, text := http.StatusBadGateway, "The application behind this server does not answer."
	var late interface{ Timeout() bool }
	switch {
	case errors.Is(err, relay.ErrClosing):
		w.Header().Set("Connection", "close")
		http.Error(w, "The server is shutting down.", http.StatusServiceUnavailable)
		return
	case errors.Is(err, relay.ErrGone):
		b.counts.cancelled.Add(1)
		panic(http.ErrAbortHandler) // nobody is there to answer
	case errors.As(err, &late) && late.Timeout() && !relay.IsDial(err):
		status, text = http.StatusGatewayTimeout, "The application behind this server takes too long."
		b.counts.timedOut.Add(1)
	default:
		b.counts.failed.Add(1)
	}
	b.health.away(err)
	clear(w.Header())
	w.Header().Set("Connection", "close") // a body may be unread
	http.Error(w, text, status)
}

// answered is called with the header of each answer.
func (b *Backend) answered(resp *http.Response) {
	b.health.back()
	if resp.StatusCode == http.StatusSwitchingProtocols {
		b.counts.upgraded.Add(1)
	}
}
