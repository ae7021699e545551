package engineio

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"hipflask/server/internal/sparse"
	"hipflask/server/internal/websocket"
)

// handshake opens a session.
func (srv *Server) handshake(w http.ResponseWriter, r *http.Request, q url.Values, transport string) {
	upgrade, eio := transport == transportWebSocket, q.Get("EIO")
	if eio == "" || eio == "2" { // as python-engineio 3 had it: 1.0 and old clients of other languages
		eio = "3"
	}
	switch {
	case r.Method != http.MethodGet:
		srv.refusals.refuse(w, r, codeMethod, "")
	case upgrade && !websocket.IsUpgrade(r):
		srv.refusals.refuseBlocked(w, r)
	case eio != "3" && eio != "4":
		srv.refusals.refuse(w, r, codeProtocol, "EIO="+sparse.Cut(eio))
	default:
		srv.openSession(w, r, q, eio[0]-'0', upgrade)
	}
}

// openSession opens a session if there is room for one.
func (srv *Server) openSession(w http.ResponseWriter, r *http.Request, q url.Values, protocol uint8, webSocket bool) {
	if srv.IsDraining() {
		srv.refusals.unavailable(w)
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
	count, no := srv.admission.enter(remote(r), webSocket)
	if no != nil {
		srv.refusals.tooMany(w, r, no)
		return
	}
	s := srv.newSession(r, q.Has("b64"), protocol)
	s.addressCount = count
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
		srv.refusals.unavailable(w)
		return
	}
	s.serveGET(w, r, q)
}

// openWebSocket begins a session on a WebSocket.
func (srv *Server) openWebSocket(w http.ResponseWriter, r *http.Request, s *Session, added http.Header) {
	if !srv.addWorker() {
		srv.admission.leave(s.addressCount, true)
		srv.refusals.unavailable(w)
		return
	}
	var first []byte
	if s.protocol != 0 {
		first = srv.openPacket(s, false).frames(s.wire)
	}
	if own := srv.sessionHeader(s); added == nil {
		added = own
	} else {
		for name, values := range own {
			added[name] = append(added[name], values...)
		}
	}
	conn, err := srv.upgrader.Upgrade(w, r, withSubprotocol(added, r), first)
	if err != nil {
		srv.workers.Done()
		srv.admission.leave(s.addressCount, true)
		srv.refusals.handshake(r, err)
		return
	}
	s.conn, s.packer = conn, srv.packerOf(conn)
	s.meter.bytesOut = uint64(len(first))
	s.pace(conn)
	if !srv.open(s) {
		go func() {
			defer srv.workers.Done()
			s.closeWith(conn, websocket.CloseGoingAway)
		}()
		return
	}
	conn.Start((*sessionReader)(s), srv.cfg.MaxMessage, s.readEnded)
}

func (srv *Server) newSession(r *http.Request, base64Only bool, protocol uint8) *Session {
	var id [15]byte
	_, _ = rand.Read(id[:]) // never fails, by its contract
	s := &Session{
		srv:      &srv.common,
		id:       srv.idPrefix + base64.URLEncoding.EncodeToString(id[:]),
		protocol: protocol,
		opening:  keep(r),
		since:    time.Now(),
	}
	s.base64Only = base64Only
	s.reading.quota = newQuota(srv.cfg.Bounds)
	s.beat.owner, s.beat.clientPings = s, protocol == 3
	s.shared = &srv.outlet
	s.wire = wireOf(protocol, base64Only)
	return s
}

// open makes the session known, to the receiver first: nothing is read before its listeners are
// registered. It fails when the server is going down.
func (srv *Server) open(s *Session) bool {
	kind := s.kindLocked() // nobody else knows the session yet
	s.polled = s.conn == nil
	if !srv.add(s, kind, srv.cfg.Open) {
		s.end(ServerShutdown)
		return false
	}
	s.tellOpened(kind)
	srv.heart.add(&s.beat)
	s.mu.Lock()
	if s.writing {
		s.mu.Unlock()
	} else {
		s.flushLocked()
	}
	return true
}

// openPacket is the first packet of a session: Engine.IO's handshake data, times in milliseconds. It
// is written by hand: json.Marshal, which needs a larger stack than an HTTP connection's goroutine
// has by then, would be a twentieth of what opening a WebSocket costs. An id needs no escapes.
func (srv *Server) openPacket(s *Session, polls bool) *Message {
	const size = 160 // more than most take
	p := append(make([]byte, headroom, headroom+size), `0{"sid":"`...)
	p = append(append(p, s.id...), `","upgrades":[`...)
	if polls && srv.cfg.AllowUpgrades && srv.cfg.WebSocket {
		p = append(p, `"`+transportWebSocket+`"`...)
	}
	p = strconv.AppendInt(append(p, `],"pingTimeout":`...), srv.cfg.PingTimeout.Milliseconds(), 10)
	p = strconv.AppendInt(append(p, `,"pingInterval":`...), srv.cfg.PingInterval.Milliseconds(), 10)
	p = strconv.AppendInt(append(p, `,"maxPayload":`...), int64(srv.cfg.MaxMessage), 10)
	m := build(append(p, '}'), nil)
	m.control = true
	return m
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
