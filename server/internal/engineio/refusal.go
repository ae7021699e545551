package engineio

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"

	"hipflask/server/internal/origin"
	"hipflask/server/internal/sparse"
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
		return "the session ended, or another process has it: several servers behind one address need sticky sessions, or clients with transports: ['websocket']"
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

// refusals logs what was refused and why, with the setting that would allow it, and
// counts it.
type refusals struct {
	log *slog.Logger // that bounds how many lines of a cause there are
	cfg *Config

	mu     sync.Mutex
	totals map[Cause]uint64
}

// warn counts, and logs.
func (r *refusals) warn(cause Cause, msg string, args ...any) {
	r.count(cause)
	r.log.WarnContext(sparse.As(context.Background(), string(cause)), msg, args...)
}

// count counts what is no news.
func (r *refusals) count(name Cause) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.totals == nil {
		r.totals = make(map[Cause]uint64)
	}
	r.totals[name]++
}

// counts says how often there was each cause.
func (r *refusals) counts() map[Cause]uint64 {
	all := make(map[Cause]uint64)
	for _, name := range causes() {
		all[name] = 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.Copy(all, r.totals)
	return all
}

// refuse logs a refused request and answers it.
func (r *refusals) refuse(w http.ResponseWriter, req *http.Request, code errorCode, detail string) {
	r.request(req, code, detail)
	writeError(w, code)
}

// tooMany logs and answers a handshake over a limit.
func (r *refusals) tooMany(w http.ResponseWriter, req *http.Request, no *refusal) {
	args := []any{"limit", no.limit, "setting", no.setting, "address", remote(req)}
	if no.hint != "" {
		args = append(args, "hint", no.hint)
	}
	r.warn(no.cause, "client refused: one too many", args...)
	turnAway(w, no.status, no.message)
}

// refuseBlocked refuses a request for a WebSocket that does not ask for one.
func (r *refusals) refuseBlocked(w http.ResponseWriter, req *http.Request) {
	r.blocked(req)
	writeError(w, codeBadRequest)
}

// shuttingDown is what a client is told that only another server can serve.
const shuttingDown = "The server is shutting down"

// unavailable answers it. Proxies can be told to ask another one on a 503, which they are
// not on a 400.
func (r *refusals) unavailable(w http.ResponseWriter) {
	r.count(CauseDraining)
	turnAway(w, http.StatusServiceUnavailable, shuttingDown)
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

// retryAfter is how many seconds a client that was turned away is told to wait.
const retryAfter = "1"

// turnAway answers a client that may come again later. The code is the official
// server's for what an application refuses.
func turnAway(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Retry-After", retryAfter)
	writeRefusal(w, status, codeForbidden, message)
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
