package engineio

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"hipflask/server/internal/websocket"
)

// errorCode is an Engine.IO error as the official server numbers them.
type errorCode int

const (
	codeTransport errorCode = iota
	codeSession
	codeMethod
	codeBadRequest
	codeForbidden
	codeProtocol
)

func (c errorCode) String() string {
	switch c {
	case codeTransport:
		return "Transport unknown"
	case codeSession:
		return "Session ID unknown"
	case codeMethod:
		return "Bad handshake method"
	case codeForbidden:
		return "Forbidden"
	case codeProtocol:
		return "Unsupported protocol version"
	}
	return "Bad request"
}

// hint is what somebody who runs the server can do about a refused request.
func (c errorCode) hint() string {
	switch c {
	case codeTransport:
		return "allow it with --transports, or mend the client's transports option"
	case codeSession:
		return "the session ended, or another process has it: several servers behind one address need sticky sessions, or clients with transports: ['websocket']"
	case codeProtocol:
		return "clients 1.x to 4.x speak EIO=3 or EIO=4; this one names another or none"
	}
	return ""
}

// refuse logs a refused request and answers it.
func (srv *Server) refuse(w http.ResponseWriter, r *http.Request, code errorCode, detail string) {
	srv.refusals.request(r, code, detail)
	writeError(w, code)
}

// writeError answers 400 with the official server's error body.
func writeError(w http.ResponseWriter, code errorCode) {
	body, _ := json.Marshal(struct { // an integer and a constant always marshal
		Code    errorCode `json:"code"`
		Message string    `json:"message"`
	}{code, code.String()})
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusBadRequest)
	_, _ = w.Write(body)
}

// refusalsPerCause is how many refusals of one cause are logged within a second.
const refusalsPerCause = 5

// refusals logs what was refused and why, with the setting that would allow it. A
// flood of one cause is cut to a few lines a second and a count.
type refusals struct {
	log *slog.Logger
	cfg *Config

	mu     sync.Mutex
	causes map[string]*cause
}

type cause struct {
	since      time.Time
	logged     int
	suppressed int
}

// warn logs unless the cause has had its share of this second.
func (r *refusals) warn(cause, msg string, args ...any) {
	suppressed, ok := r.allow(cause, time.Now())
	if !ok {
		return
	}
	if suppressed > 0 {
		args = append(args, "not_logged_before", suppressed)
	}
	r.log.Warn(msg, args...)
}

func (r *refusals) allow(name string, now time.Time) (suppressed int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.causes == nil {
		r.causes = make(map[string]*cause)
	}
	c := r.causes[name]
	if c == nil {
		c = &cause{}
		r.causes[name] = c
	}
	if now.Sub(c.since) >= time.Second {
		suppressed = c.suppressed
		*c = cause{since: now}
	}
	if c.logged >= refusalsPerCause {
		c.suppressed++
		return 0, false
	}
	c.logged++
	return suppressed, true
}

func (r *refusals) request(req *http.Request, code errorCode, detail string) {
	args := []any{"reason", code.String(), "address", req.RemoteAddr}
	if detail != "" {
		args = append(args, "detail", detail)
	}
	if hint := code.hint(); hint != "" {
		args = append(args, "hint", hint)
	}
	r.warn("request "+code.String(), "request refused", args...)
}

func (r *refusals) origin(req *http.Request, origin string) {
	r.warn("origin", "origin refused", "origin", origin, "host", req.Host, "address", req.RemoteAddr,
		"hint", "--cors-allowed-origins="+origin+" would allow it; behind a proxy, have it pass Host, or X-Forwarded-Host and X-Forwarded-Proto")
}

func (r *refusals) plain(req *http.Request, at string) {
	r.warn("plain", "plain WebSocket refused", "path", req.URL.Path, "served_at", at, "address", req.RemoteAddr,
		"hint", "--plain-websocket-path="+req.URL.Path+" would serve it here")
}

func (r *refusals) handshake(req *http.Request, err error) {
	r.warn("handshake", "WebSocket handshake refused", "error", err, "address", req.RemoteAddr,
		"hint", "a proxy in between must pass Upgrade, Connection and the Sec-WebSocket headers on")
}

func (r *refusals) slowClient(s *Session) {
	r.warn("slow", "client dropped: it reads too slowly", "sid", s.id, "address", s.Remote(),
		"limit", r.cfg.MaxBacklog, "setting", "--max-backlog")
}

func (r *refusals) tooLarge(s *Session, what string) {
	r.warn("size", "client cut off: "+what+" too large", "sid", s.id, "address", s.Remote(),
		"limit", r.cfg.MaxMessage, "setting", "--max-http-buffer-size")
}

func (r *refusals) frame(s *Session, err *websocket.CloseError) {
	if err.Code == 1009 {
		r.tooLarge(s, "WebSocket message")
		return
	}
	r.warn("frame", "client cut off: WebSocket rule broken", "sid", s.id, "address", s.Remote(),
		"code", err.Code, "error", err.Reason)
}

func (r *refusals) broken(s *Session, err error) {
	r.warn("packet", "client cut off: it broke the protocol or a limit", "sid", s.id, "address", s.Remote(), "error", err)
}
