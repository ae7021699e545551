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

	"hipflask/server/internal/locks"
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

// refusals logs what was refused and why, with the setting that would allow it, and counts it.
type refusals struct {
	log *slog.Logger // that bounds how many lines of a cause there are
	cfg *Config

	mu     locks.Refusals
	totals map[Cause]uint64
}

// warn counts, and logs.
func (r *refusals) warn(cause Cause, msg string, args ...any) {
	r.count(cause)
	r.log.WarnContext(sparse.As(context.Background(), string(cause)), msg, append(args, "cause", string(cause))...)
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

// counts returns how often there was each cause.
func (r *refusals) counts() map[Cause]uint64 {
	all := make(map[Cause]uint64)
	for _, name := range Causes() {
		all[name] = 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.Copy(all, r.totals)
	return all
}

// refuse logs a refused request and answers it.
func (r *refusals) refuse(w http.ResponseWriter, req *http.Request, code errorCode, detail string, more ...any) {
	r.request(req, code, detail, more...)
	writeError(w, code)
}

// ended answers a request for a session that ended a moment ago, or ends just now. It may still be
// polled: that is no fault that is logged, unless it ended because nothing was heard of its client.
func (r *refusals) ended(w http.ResponseWriter, req *http.Request, reason Reason) {
	if reason == PingTimeout {
		r.late(req)
	}
	writeError(w, codeSession)
}

// tooMany logs and answers a handshake over a limit.
func (r *refusals) tooMany(w http.ResponseWriter, req *http.Request, no *refusal) {
	args := []any{"limit", no.limit, "address", remote(req)}
	if no.bound != "" {
		args = append(args, "bound", no.bound)
	}
	r.warn(no.cause, "client refused: one too many", args...)
	turnAway(w, no.status, no.message)
}

// refuseBlocked refuses a request for a WebSocket that does not ask for one.
func (r *refusals) refuseBlocked(w http.ResponseWriter, req *http.Request) {
	r.blocked(req)
	writeError(w, codeBadRequest)
}

// shuttingDown is the message for a client that only another server can serve.
const shuttingDown = "The server is shutting down"

// unavailable answers with it. Proxies can be told to ask another one on a 503, which they are not
// on a 400.
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

// retryAfter is how many seconds a client that was turned away should wait.
const retryAfter = "1"

// turnAway answers a client that may come again later. The code is the official server's for what
// an application refuses.
func turnAway(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Retry-After", retryAfter)
	writeRefusal(w, status, codeForbidden, message)
}

func (r *refusals) request(req *http.Request, code errorCode, detail string, more ...any) {
	args := append([]any{"reason", code.String(), "address", remote(req)}, more...)
	if detail != "" {
		args = append(args, "detail", detail)
	}
	r.warn(code.cause(), "request refused", args...)
}

func (r *refusals) origin(req *http.Request) {
	args := []any{"host", sparse.Cut(req.Host), "address", remote(req)}
	if from := req.Header.Get("Origin"); from != "" {
		r.warn(CauseOrigin, "origin refused", append(args, "origin", sparse.Cut(from))...)
		return
	}
	r.warn(CauseOrigin, "origin refused: a script, image, frame or link of another site",
		append(args, "referer", sparse.Cut(origin.Referer(req)), "site", sparse.Cut(req.Header.Get("Sec-Fetch-Site")))...)
}

func (r *refusals) host(req *http.Request, host string) {
	r.warn(CauseHost, "host refused", "host", sparse.Cut(host), "path", sparse.Cut(req.URL.Path), "address", remote(req))
}

// longURL is a request that would open a session, whose URL cannot be kept for it.
func (r *refusals) longURL(req *http.Request) {
	r.warn(CauseRequest, "request refused: its URL is too long to be kept for its session", "address", remote(req),
		"length", len(req.RequestURI), "limit", maxURL, "bound", BoundURL)
}

func (r *refusals) plain(req *http.Request) {
	r.warn(CausePlainPath, "plain WebSocket refused", "path", sparse.Cut(req.URL.Path), "served_at", r.cfg.PlainPath, "address", remote(req))
}

func (r *refusals) path(req *http.Request) {
	r.warn(CausePath, "socket.io client refused: nothing is served at its path", "path", sparse.Cut(req.URL.Path), "served_at", r.cfg.Path,
		"address", remote(req))
}

func (r *refusals) handshake(req *http.Request, err error) {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		r.warn(CauseUnread, "WebSocket given up: its client does not read the answer to the handshake", "address", remote(req))
		return
	}
	r.warn(CauseHandshake, "WebSocket handshake refused", "error", err, "address", remote(req))
}

// blocked is a WebSocket's request that lost on its way what makes it one: a client always sends
// it.
func (r *refusals) blocked(req *http.Request) {
	r.warn(CauseBlockedUpgrade, "WebSocket refused: its request came without the Upgrade header", "address", remote(req), "http", req.Proto)
}

// late is a request of a session that a ping timeout ended: its client was there all along, so what
// it sent, or was sent, was held up.
func (r *refusals) late(req *http.Request) {
	r.warn(CauseLateSession, "request refused: the session was ended by a ping timeout, and its client is still there", "address", remote(req))
}
