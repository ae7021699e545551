package engineio

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"strconv"
	"strings"

	"hipflask/server/internal/origin"
	"hipflask/server/internal/sparse"
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
		return "--transports allows polling and websocket; a client that asks for another has to mend its transports option"
	case codeSession:
		return "the session ended, or another process has it: several servers behind one address need --message-queue, or sticky sessions, or clients with transports: ['websocket']"
	case codeProtocol:
		return "clients 1.x to 4.x speak EIO=3 or EIO=4; this one names another"
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
	h.Set("Content-Length", strconv.Itoa(len(body))) // it is whole also before the connection's end
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

// mostShown is how long a value may be, in bytes, that a hint repeats.
const mostShown = 200

func (r *refusals) origin(req *http.Request, p *origin.Policy) {
	args := []any{"host", sparse.Cut(req.Host), "address", remote(req)}
	if from := req.Header.Get("Origin"); from != "" {
		args = append(args, "origin", sparse.Cut(from), "hint", advice(p, from)+"; behind a proxy, have it pass Host, or X-Forwarded-Host "+
			"and X-Forwarded-Proto, and name it in --trusted-proxies if others are")
		r.warn(CauseOrigin, "origin refused", args...)
		return
	}
	from, hint := origin.Referer(req), ""
	if from == "" {
		hint = "a page may only ask for this with an Origin, a Referer, or a browser's word that it is the server's own; " +
			"its Referrer-Policy has to be origin, or let more through"
	} else {
		hint = advice(p, from)
	}
	args = append(args, "referer", sparse.Cut(from), "site", sparse.Cut(req.Header.Get("Sec-Fetch-Site")), "hint", hint)
	r.warn(CauseOrigin, "origin refused: a script, image, frame or link of another site", args...)
}

// advice says how a page of an origin would be let in, as far as the setting takes it.
func advice(p *origin.Policy, from string) string {
	const setting = "--cors-allowed-origins"
	normal, err := origin.Parse(from)
	switch {
	case from == origin.Null:
		return "it is that of files and of frames in a sandbox; " + setting + " takes null, but every page can have such a frame"
	case err != nil || normal != from || strings.Contains(from, "*") || len(from) > mostShown:
		return "it is none that a browser sends, so " + setting + " cannot name it"
	case len(p.List) == 0:
		return setting + "=" + from + " would allow it"
	}
	return "with " + from + " added, " + setting + " would allow it"
}

func (r *refusals) host(req *http.Request, host string) {
	hint := "nobody but a page that is up to something should call the server so"
	if _, err := origin.ParseHost(host); err == nil && len(host) <= mostShown && !strings.Contains(host, "*") {
		hint = "if the server is called so, name it in --allowed-hosts, with every other name that clients call it by; " +
			"with --trusted-proxies it is their X-Forwarded-Host that counts"
	}
	r.warn(CauseHost, "host refused", "setting", "--allowed-hosts", "host", sparse.Cut(host), "path", sparse.Cut(req.URL.Path), "address", remote(req), "hint", hint)
}

// longURL is a request that would open a session, whose URL cannot be kept for it.
func (r *refusals) longURL(req *http.Request) {
	r.warn(CauseRequest, "request refused: its URL is too long to be kept for its session", "address", remote(req),
		"length", len(req.RequestURI), "limit", maxURL, "hint", "the client's option auth, or a header, has room for more than its query")
}

func (r *refusals) plain(req *http.Request, at string) {
	path, hint := req.URL.Path, "it belongs at the path that --plain-websocket-path names"
	if r.cfg.PlainPathTakes != nil && len(path) <= mostShown && r.cfg.PlainPathTakes(path) {
		hint = "--plain-websocket-path=" + path + " would serve it here"
	}
	r.warn(CausePlainPath, "plain WebSocket refused", "path", sparse.Cut(path), "served_at", at, "address", remote(req), "hint", hint)
}

func (r *refusals) path(req *http.Request, at string) {
	r.warn(CausePath, "socket.io client refused: nothing is served at its path", "path", sparse.Cut(req.URL.Path), "served_at", at,
		"address", remote(req), "hint", "the client's option path has to be what --path says; a proxy in between may have changed it")
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

func (r *refusals) brokenUpgrade(s *Session, why string) {
	r.session(s, CauseFrame, "upgrade refused: the session goes on polling", "detail", why)
}

func (r *refusals) slowClient(s *Session) {
	r.session(s, CauseSlowClient, "client dropped: it reads too slowly", "limit", r.cfg.MaxBacklog, "setting", "--max-backlog")
}

// slowAnswer is a poll whose client stopped reading the answer.
func (r *refusals) slowAnswer(s *Session) {
	r.session(s, CauseSlowClient, "client dropped: it takes nothing of the answer to its poll",
		"limit", (r.cfg.PingInterval + r.cfg.PingTimeout).String(), "setting", "--ping-interval and --ping-timeout")
}

// memory is a client that was dropped because all together hold too much.
func (r *refusals) memory(s *Session) {
	r.session(s, CauseMemory, "client dropped: what waits for all clients is too much", "waiting", s.waitingBytes(),
		"limit", r.cfg.Memory.Limit(), "setting", "--max-memory-for-clients")
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
