package engineio

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"

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

// cause is what a refusal of this code counts as.
func (c errorCode) cause() Cause {
	switch c {
	case codeTransport:
		return CauseTransport
	case codeSession:
		return CauseSession
	case codeProtocol:
		return CauseProtocol
	}
	return CauseRequest
}

// refuse logs a refused request and answers it.
func (srv *Server) refuse(w http.ResponseWriter, r *http.Request, code errorCode, detail string) {
	srv.refusals.request(r, code, detail)
	writeError(w, code)
}

// writeError answers 400 with the official server's error body.
func writeError(w http.ResponseWriter, code errorCode) {
	writeRefusal(w, http.StatusBadRequest, code, code.String())
}

func writeRefusal(w http.ResponseWriter, status int, code errorCode, message string) {
	body, _ := json.Marshal(struct { // an integer and a string always marshal
		Code    errorCode `json:"code"`
		Message string    `json:"message"`
	}{code, message})
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func (r *refusals) request(req *http.Request, code errorCode, detail string) {
	args := []any{"reason", code.String(), "address", remote(req)}
	if detail != "" {
		args = append(args, "detail", detail)
	}
	if hint := code.hint(); hint != "" {
		args = append(args, "hint", hint)
	}
	r.warn(code.cause(), "request refused", args...)
}

func (r *refusals) origin(req *http.Request, origin string) {
	r.warn(CauseOrigin, "origin refused", "origin", origin, "host", req.Host, "address", remote(req),
		"hint", "--cors-allowed-origins="+origin+" would allow it; behind a proxy, have it pass Host, or X-Forwarded-Host and X-Forwarded-Proto, "+
			"and name it in --trusted-proxies if others are")
}

func (r *refusals) plain(req *http.Request, at string) {
	path := shown(req.URL.Path)
	r.warn(CausePlainPath, "plain WebSocket refused", "path", path, "served_at", at, "address", remote(req),
		"hint", "--plain-websocket-path="+path+" would serve it here")
}

func (r *refusals) path(req *http.Request, at string) {
	r.warn(CausePath, "socket.io client refused: nothing is served at its path", "path", shown(req.URL.Path), "served_at", at,
		"address", remote(req), "hint", "the client's option path has to be what --path says; a proxy in between may have changed it")
}

// shown is what a client named, cut to fit a line.
func shown(text string) string {
	const most = 200
	if len(text) > most {
		return text[:most] + "..."
	}
	return text
}

func (r *refusals) handshake(req *http.Request, err error) {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		r.warn(CauseUnread, "WebSocket given up: its client does not read the answer to the handshake", "address", remote(req))
		return
	}
	r.warn(CauseHandshake, "WebSocket handshake refused", "error", err, "address", remote(req),
		"hint", "a proxy in between must pass Upgrade, Connection and the Sec-WebSocket headers on")
}

// blocked is a WebSocket's request that lost on its way what makes it one: a client
// always sends it.
func (r *refusals) blocked(req *http.Request) {
	r.warn(CauseBlockedUpgrade, "WebSocket refused: its request came without the Upgrade header", "address", remote(req), "http", req.Proto,
		"hint", "a proxy in between removed it; for nginx: proxy_http_version 1.1, proxy_set_header Upgrade $http_upgrade, "+
			"proxy_set_header Connection upgrade. --transports=polling does without")
}

// late is a request of a session that a ping timeout ended: its client was there all
// along, so what it sent, or was sent, was held up.
func (r *refusals) late(req *http.Request) {
	r.warn(CauseLateSession, "request refused: the session was ended by a ping timeout, and its client is still there", "address", remote(req),
		"hint", "its answer to the ping came too late. A proxy in between that buffers or delays must not "+
			"(for nginx: proxy_buffering off), or raise --ping-timeout")
}

// session is warn about a session.
func (r *refusals) session(s *Session, cause Cause, msg string, args ...any) {
	r.warn(cause, msg, append([]any{"connection", s.Name(), "address", s.Remote()}, args...)...)
}

func (r *refusals) stuck(s *Session) {
	r.session(s, CauseStuckUpgrade, "upgrade given up: a WebSocket was opened, and nothing came through", "setting", "--upgrade-timeout",
		"hint", "a proxy in between passes the handshake on and not what follows; have it pass WebSockets, or take --allow-upgrades=false")
}

func (r *refusals) slowClient(s *Session) {
	r.session(s, CauseSlowClient, "client dropped: it reads too slowly", "limit", r.cfg.MaxBacklog, "setting", "--max-backlog")
}

func (r *refusals) tooLarge(s *Session, what string) {
	r.session(s, CauseMessageSize, "client cut off: "+what+" too large", "limit", r.cfg.MaxMessage, "setting", "--max-http-buffer-size")
}

func (r *refusals) frame(s *Session, err *websocket.CloseError) {
	if err.Code == websocket.CloseTooBig {
		r.tooLarge(s, "WebSocket message")
		return
	}
	r.session(s, CauseFrame, "client cut off: WebSocket rule broken", "code", err.Code, "error", err.Reason)
}

func (r *refusals) broken(s *Session, err error) {
	r.session(s, CausePacket, "client cut off: it broke the protocol or a limit", "error", err)
}
