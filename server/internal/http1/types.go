package http1

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"hipflask/server/internal/locks"
	"hipflask/server/internal/pool"
	"hipflask/server/internal/socket"
)

// Options are how connections are served.
type Options struct {
	// Handler serves the requests. Its ResponseWriter is a [Later].
	Handler http.Handler
	// Takes reports whether Handler may be given a request: what it waits for must not depend on
	// the client's being there, but for what it tells Later.
	Takes func(r *http.Request) bool
	// Context is what the contexts of requests come from that net/http has not seen; nil: the empty
	// one.
	Context context.Context

	HeaderTimeout time.Duration // how long a header may take from its first bytes on, the first one from the connection's beginning on
	IdleTimeout   time.Duration // how long a connection is kept without a request

	// Track is told of connections that serve a request and that serve none, as that of an
	// http.Server.
	Track func(net.Conn, http.ConnState)
}

// Conns are the connections of one http.Server that are read here.
type Conns struct {
	opts    Options
	buffers socket.Buffers
	parser  parser
	outs    outPool
	back    returning
	readers pool.Pool
	running sync.WaitGroup // connections
	closing atomic.Bool

	mu   sync.Mutex
	open map[*conn]struct{}
}

// conn is a connection, from its beginning or from the request on that it was taken over with. One
// goroutine reads from it; the answer is written by whoever has it.
type conn struct {
	conns *Conns
	nc    net.Conn
	raw   syscall.RawConn // the socket; nil: it cannot be got at, as over TLS
	ctx   context.Context
	end   context.CancelFunc

	remoteAddr string // of its requests
	tls        *tls.ConnectionState

	// The reading goroutine's:
	first   *http.Request // that it was taken over with; nil once it is served
	fresh   bool          // no request has come yet
	returns int           // how often it has gone back before; less than 0: net/http has never had it
	reader  socket.Reader // unless raw is nil
	kept    []byte        // the buffer for reading if raw is nil
	in      []byte        // was read and is not used yet; part of a buffer, or of grown
	grown   []byte        // a header that came in pieces
	get     form
	post    form
	answer  answer
	body    body
	ends    int  // line ends that may still stand behind a POST, RFC 9112, section 2.2
	begun   bool // the read deadline is that of a header that has begun, not of an idle connection
	limited bool // it is neither

	writer socket.Writer // who answers has it

	mu       locks.HTTP1
	waiting  *answer       // comes later; nil: none does
	told     chan struct{} // closed when it is there; nil unless the reader waits for that
	answered time.Time     // when the last answer was there
	ending   bool          // nothing more is served: what comes is thrown away
	given    bool          // it is somebody else's, see TakeOver
}

// answer is the answer to one request. An answer whose length its handler does not say is kept until
// it is flushed, which ends it, or the handler returns.
type answer struct {
	conn    *conn
	header  http.Header
	status  int     // 0: nothing was written yet
	length  int     // of the body; -1: not known yet
	written int     // bytes of the body
	out     *buffer // what is still to be sent; nil: nothing
	begun   bool    // the header is in out, or sent
	closes  bool    // the connection ends with it
	failed  error
	isLater bool
	gone    func() // see Later

	// Guarded by the connection's mutex:
	deadline time.Time // for writing
	blocked  bool      // in a write that waits
}

// form is a request as it has come before: the lines of its header, but for the digits of its
// Content-Length, and what they mean.
type form struct {
	before, after []byte
	request       *http.Request // nil: none has come
	path          string        // as it was written
}

// body is that of the request being served.
type body struct {
	conn     *conn
	left     int64     // bytes still to be read
	deadline time.Time // for what has to be waited for
}
