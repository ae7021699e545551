package engineio

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"hipflask/server/internal/coding"
	"hipflask/server/internal/sparse"
	"hipflask/server/internal/websocket"
)

const (
	transportPolling   = "polling"
	transportWebSocket = "websocket"
)

// Server serves Engine.IO over HTTP. It is made by [NewServer] and ended by
// [Server.Shutdown].
type Server struct {
	cfg      Config
	upgrader websocket.Upgrader
	heart    *heartbeat
	flusher  flusher
	refusals refusals
	gate     *gate
	packets  struct{ ping, pong, noop, close *Message } // shared by all sessions

	idPrefix string // of every sid

	outlet     outlet
	compressor coding.Compressor
	rounds     sync.Pool  // of *Round
	relieving  sync.Mutex // held by who drops clients to make room; never taken with a session's held

	stop    chan struct{}
	keepers sync.WaitGroup // heartbeat, flusher, and the watch over idle connections
	workers sync.WaitGroup // readers and drains, one or two a WebSocket

	mu       sync.RWMutex
	sessions map[string]*Session
	ended    [64]ended // the sessions that ended last
	nextEnd  int
	draining bool
	tally    tally
	empty    chan struct{} // closed once draining and without sessions
}

// ended is what is kept of a session for a while.
type ended struct {
	id     string
	reason Reason
}

// NewServer starts a server. cfg.Open must be set.
func NewServer(cfg Config) *Server {
	srv := newServer(cfg)
	srv.start()
	return srv
}

// newServer makes a server without its goroutines.
func newServer(cfg Config) *Server {
	cfg.setDefaults()
	srv := &Server{
		cfg:      cfg,
		heart:    newHeartbeat(cfg.PingInterval, cfg.PingTimeout),
		refusals: refusals{log: cfg.Logger, cfg: &cfg},
		gate:     newGate(cfg.Bounds),
		stop:     make(chan struct{}),
		sessions: make(map[string]*Session),
		empty:    make(chan struct{}),
	}
	if cfg.ServerID != "" {
		srv.idPrefix = cfg.ServerID + "."
	}
	srv.flusher.init()
	srv.outlet.memory, srv.outlet.flusher = cfg.Memory, &srv.flusher
	srv.tally.init()
	srv.packets.ping = newControl("2")
	srv.packets.noop = newControl("6")
	srv.packets.pong = newControl("3")
	srv.packets.close = newControl("1")
	for _, m := range []*Message{srv.packets.ping, srv.packets.pong, srv.packets.noop, srv.packets.close} {
		m.Share()
	}
	return srv
}

func (srv *Server) start() {
	srv.keepers.Go(func() { srv.heart.run(srv.stop, srv.packets.ping, srv.packets.noop) })
	srv.keepers.Go(func() { srv.flusher.run(srv.stop) })
	srv.keepers.Go(func() {
		if err := srv.upgrader.Watch(srv.stop); err != nil {
			srv.cfg.Logger.Warn("idle connections take more memory than they need to", "error", err)
		}
	})
}

// ServeHTTP serves the Engine.IO endpoint: polling, and the opening of
// WebSockets. Its checks come in the official server's order.
func (srv *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	srv.limitAnswer(w)
	srv.cfg.Proxies.locate(r)
	q := r.URL.Query()
	if !srv.admit(w, r, q) {
		return
	}
	switch r.Method {
	case http.MethodGet, http.MethodPost:
	case http.MethodOptions:
		w.WriteHeader(http.StatusOK)
		return
	default:
		w.Header().Set("Allow", "OPTIONS, GET, POST")
		http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
		return
	}
	transport := q.Get("transport")
	if !(transport == transportPolling && srv.cfg.Polling || transport == transportWebSocket && srv.cfg.WebSocket) {
		detail := "transport " + sparse.Cut(transport)
		if transport == "" && websocket.IsUpgrade(r) {
			detail = "a WebSocket that is no socket.io client's: those are served at --plain-websocket-path"
		}
		srv.refuse(w, r, codeTransport, detail)
		return
	}
	if q.Get("sid") != "" {
		srv.serveSession(w, r, q, transport)
		return
	}
	srv.handshake(w, r, q, transport)
}

// serveSession serves a request that belongs to a session.
func (srv *Server) serveSession(w http.ResponseWriter, r *http.Request, q url.Values, transport string) {
	sid := q.Get("sid")
	srv.mu.RLock()
	s := srv.sessions[sid]
	srv.mu.RUnlock()
	switch {
	case s == nil && srv.elsewhere(w, r, sid):
	case (s == nil || s.IsPlain()) && srv.IsDraining():
		srv.unavailable(w) // the proxy has to look elsewhere for it
	case s == nil || s.IsPlain():
		srv.unknown(w, r, sid)
	case transport == transportWebSocket && websocket.IsUpgrade(r):
		srv.upgrade(w, r, q, s)
	case transport == transportWebSocket:
		srv.blocked(w, r)
	case s.Transport() != transport:
		srv.refuse(w, r, codeBadRequest, "the session uses another transport")
	case r.Method == http.MethodGet:
		s.serveGET(w, r, q)
	default:
		s.servePOST(w, r, q)
	}
}

// unknown refuses a request for a session that is not there. One that ended a
// moment ago may still be polled: that is no fault to tell anybody of, unless it
// ended because nothing was heard of its client.
func (srv *Server) unknown(w http.ResponseWriter, r *http.Request, sid string) {
	srv.mu.RLock()
	i := slices.IndexFunc(srv.ended[:], func(e ended) bool { return e.id == sid })
	late := i >= 0 && srv.ended[i].reason == PingTimeout
	srv.mu.RUnlock()
	switch {
	case late:
		srv.refusals.late(r)
	case i < 0:
		srv.refusals.request(r, codeSession, "")
	}
	writeError(w, codeSession)
}

// handshake opens a session.
func (srv *Server) handshake(w http.ResponseWriter, r *http.Request, q url.Values, transport string) {
	upgrade, eio := transport == transportWebSocket, q.Get("EIO")
	if eio == "" || eio == "2" { // as python-engineio 3 had it: 1.0 and old clients of other languages
		eio = "3"
	}
	switch {
	case r.Method != http.MethodGet:
		srv.refuse(w, r, codeMethod, "")
	case upgrade && !websocket.IsUpgrade(r):
		srv.blocked(w, r)
	case eio != "3" && eio != "4":
		srv.refuse(w, r, codeProtocol, "EIO="+sparse.Cut(eio))
	default:
		srv.openSession(w, r, q, eio[0]-'0', upgrade)
	}
}

// blocked refuses a request for a WebSocket that does not ask for one.
func (srv *Server) blocked(w http.ResponseWriter, r *http.Request) {
	srv.refusals.blocked(r)
	writeError(w, codeBadRequest)
}

// openSession opens a session if there is room for one.
func (srv *Server) openSession(w http.ResponseWriter, r *http.Request, q url.Values, protocol uint8, webSocket bool) {
	if srv.IsDraining() {
		srv.unavailable(w)
		return
	}
	if len(r.RequestURI)+len(r.Host) > maxURL {
		srv.refusals.longURL(r)
		writeRefusal(w, http.StatusRequestURITooLong, codeBadRequest, "The URL and the host are too long")
		return
	}
	added, ok := srv.allow(w, r)
	if !ok {
		return
	}
	place, no := srv.gate.enter(remote(r), webSocket)
	if no != nil {
		srv.tooMany(w, r, no)
		return
	}
	s := srv.newSession(r, q.Has("b64"), protocol)
	s.place = place
	if webSocket {
		srv.openWebSocket(w, r, s, added)
		return
	}
	srv.openPolling(w, r, q, s)
}

func (srv *Server) openPolling(w http.ResponseWriter, r *http.Request, q url.Values, s *Session) {
	for k, v := range srv.sessionHeader(s) {
		w.Header()[k] = append(w.Header()[k], v...)
	}
	s.parked = true
	s.push(srv.openPacket(s, true))
	if !srv.open(s) {
		srv.unavailable(w)
		return
	}
	s.serveGET(w, r, q)
}

// ServePlain serves a plain WebSocket client: a session without Engine.IO, whose
// every message is one of the other side's. At another path than PlainPath it refuses
// one, and says so.
func (srv *Server) ServePlain(w http.ResponseWriter, r *http.Request) {
	srv.limitAnswer(w)
	srv.cfg.Proxies.locate(r)
	switch {
	case r.URL.Path != srv.cfg.PlainPath:
		srv.refusals.plain(r, srv.cfg.PlainPath)
		http.Error(w, "no WebSocket is served at this path", http.StatusNotFound)
	case srv.admit(w, r, nil):
		srv.openSession(w, r, nil, 0, true)
	}
}

// Lost is told of a request for a path that nothing is served at. A client's is
// logged, with the path where it would be served.
func (srv *Server) Lost(r *http.Request) {
	srv.cfg.Proxies.locate(r)
	switch {
	case r.URL.Query().Has("EIO"):
		srv.refusals.path(r, srv.cfg.Path)
	case websocket.IsUpgrade(r):
		srv.refusals.plain(r, srv.cfg.PlainPath)
	}
}

func (srv *Server) newSession(r *http.Request, base64Only bool, protocol uint8) *Session {
	var id [15]byte
	_, _ = rand.Read(id[:]) // never fails, by its contract
	s := &Session{
		srv:      srv,
		id:       srv.idPrefix + base64.URLEncoding.EncodeToString(id[:]),
		protocol: protocol,
		opening:  keep(r),
		since:    time.Now(),
		quota:    newQuota(srv.cfg.Bounds),
	}
	s.base64Only = base64Only
	s.shared = &srv.outlet
	s.wire = wireOf(protocol, base64Only)
	return s
}

func wireOf(protocol uint8, base64Only bool) wire {
	switch {
	case protocol == 0:
		return wirePlain
	case protocol == 3 && base64Only:
		return wireV3Text
	case protocol == 3:
		return wireV3
	case base64Only:
		return wireV4Text
	}
	return wireV4
}

// open makes the session known, to the receiver first: nothing is read before its
// listeners stand. It fails when the server is going down.
func (srv *Server) open(s *Session) bool {
	srv.mu.Lock()
	if srv.draining {
		srv.mu.Unlock()
		s.end(ServerShutdown)
		return false
	}
	kind := s.kind()
	s.polled = s.conn == nil
	s.rcv = srv.cfg.Open(s) // with the lock held, so that Shutdown meets whole sessions only
	srv.sessions[s.id] = s
	srv.tally.opened[kind]++
	srv.mu.Unlock()
	s.tellOpened(kind)
	srv.heart.add(s)
	s.mu.Lock()
	if s.writing {
		s.mu.Unlock()
	} else {
		s.flush()
	}
	return true
}

// openPacket is the first packet of a session: Engine.IO's handshake data, times in
// milliseconds.
func (srv *Server) openPacket(s *Session, polls bool) *Message {
	upgrades := []string{}
	if polls && srv.cfg.AllowUpgrades && srv.cfg.WebSocket {
		upgrades = append(upgrades, transportWebSocket)
	}
	data, _ := json.Marshal(struct { // strings and integers always marshal
		SID          string   `json:"sid"`
		Upgrades     []string `json:"upgrades"`
		PingTimeout  int64    `json:"pingTimeout"`
		PingInterval int64    `json:"pingInterval"`
		MaxPayload   int      `json:"maxPayload"`
	}{s.id, upgrades, srv.cfg.PingTimeout.Milliseconds(), srv.cfg.PingInterval.Milliseconds(), srv.cfg.MaxMessage})
	return newControl("0" + string(data))
}

// sessionHeader is what the response that opens a session carries.
func (srv *Server) sessionHeader(s *Session) http.Header {
	if srv.cfg.Cookie == "" || s.protocol == 0 {
		return nil
	}
	cookie := srv.cfg.Cookie + "=" + s.id
	if srv.cfg.CookieAttributes != "" {
		cookie += "; " + srv.cfg.CookieAttributes
	}
	return http.Header{"Set-Cookie": {cookie}}
}

// receiver is the session's receiver. While the session is being opened, which what
// Open started may be quicker than, it waits for that.
func (srv *Server) receiver(s *Session) Receiver {
	srv.mu.RLock()
	defer srv.mu.RUnlock()
	return s.rcv
}

func (srv *Server) remove(s *Session, webSocket bool) {
	srv.heart.remove(s)
	srv.gate.leave(s.place, webSocket)
	srv.mu.Lock()
	defer srv.mu.Unlock()
	if srv.sessions[s.id] != s {
		return
	}
	delete(srv.sessions, s.id)
	srv.ended[srv.nextEnd%len(srv.ended)] = ended{s.id, srv.tally.gone(s)}
	srv.nextEnd++
	srv.checkEmpty()
}

// checkEmpty tells Shutdown that the last session is gone. The mutex is held.
func (srv *Server) checkEmpty() {
	if !srv.draining || len(srv.sessions) > 0 {
		return
	}
	select {
	case <-srv.empty:
	default:
		close(srv.empty)
	}
}

// hire counts a worker that is about to start: false once Shutdown has begun, which
// waits for those that were counted before.
func (srv *Server) hire() bool {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	if srv.draining {
		return false
	}
	srv.workers.Add(1)
	return true
}

// Count is the number of sessions.
func (srv *Server) Count() int {
	srv.mu.RLock()
	defer srv.mu.RUnlock()
	return len(srv.sessions)
}

func (srv *Server) all() []*Session {
	srv.mu.RLock()
	defer srv.mu.RUnlock()
	list := make([]*Session, 0, len(srv.sessions))
	for _, s := range srv.sessions {
		list = append(list, s)
	}
	return list
}

// Shutdown refuses new sessions, closes those there are one after another, with
// what they were still to be sent, and returns once they and all goroutines have
// ended. What is left shortly before ctx's deadline is cut, and ctx's error returned.
// Goroutines that do not end by that, such as those of a Receiver that hangs, are
// waited for no longer than ctx lasts.
func (srv *Server) Shutdown(ctx context.Context) error {
	srv.mu.Lock()
	again := srv.draining
	srv.draining = true
	srv.checkEmpty()
	srv.mu.Unlock()
	if again {
		return nil
	}
	cut, cancel := cutBefore(ctx)
	defer cancel()
	srv.retireAll(ctx)
	var err error
	select {
	case <-srv.empty:
	case <-cut.Done():
		err = cut.Err()
		for _, s := range srv.all() {
			s.abort(ServerShutdown)
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		srv.workers.Wait()
		close(srv.stop)
		srv.keepers.Wait()
	}()
	select {
	case <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
