package engineio

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"hipflask/server/internal/engineio/payload"
	"hipflask/server/internal/sparse"
	"hipflask/server/internal/websocket"
)

// tellOpened logs that the session is there, for those who look closely.
func (s *Session) tellOpened(kind Kind) {
	if log, ctx := s.srv.cfg.Logger, context.Background(); log.Enabled(ctx, slog.LevelDebug) {
		log.DebugContext(sparse.Each(ctx), "connection opened", "address", s.Remote(), "transport", kind.Transport,
			"protocol", kind.ProtocolName(), "client", string(kind.Client()), "connection", s.Name())
	}
}

// tellEnded logs that the session has ended, and what it was.
func (s *Session) tellEnded() {
	if log, ctx := s.srv.cfg.Logger, context.Background(); log.Enabled(ctx, slog.LevelInfo) {
		log.LogAttrs(sparse.Each(ctx), slog.LevelInfo, "connection ended", s.summary()...)
	}
}

// summary is what the session was, for the log.
func (s *Session) summary() []slog.Attr {
	s.mu.Lock()
	kind, reason, traffic := s.kindLocked(), s.reason, s.meter.traffic()
	s.mu.Unlock()
	first := kind.Transport
	if s.polled {
		first = transportPolling
	}
	attrs := []slog.Attr{
		slog.String("address", s.Remote()), slog.String("transport", kind.Transport), slog.String("first_transport", first),
		slog.String("protocol", kind.ProtocolName()), slog.String("client", string(kind.Client())),
		slog.Float64("duration_seconds", time.Since(s.since).Round(time.Millisecond).Seconds()), slog.String("reason", string(reason)),
		slog.Uint64("messages_in", traffic.MessagesIn), slog.Uint64("messages_out", traffic.MessagesOut),
		slog.Uint64("bytes_in", traffic.BytesIn), slog.Uint64("bytes_out", traffic.BytesOut), slog.String("connection", s.Name()),
	}
	if reason == PingTimeout {
		attrs = append(attrs, slog.String("bound", BoundPing))
	}
	return attrs
}

// WarnMemory logs that this client sent what there is no room for, as all clients together hold as
// much as they may.
func (s *Session) WarnMemory() {
	m := s.srv.cfg.Memory
	s.Warn(CauseMemory, "client closed: all clients together hold too much", "held", m.Used(), "limit", m.Limit())
}

func (s *Session) tellStuck() {
	s.Warn(CauseStuckUpgrade, "upgrade given up: a WebSocket was opened, and nothing came through")
}

func (s *Session) tellBrokenUpgrade(why string, more ...any) {
	s.Warn(CauseFrame, "upgrade refused: the session goes on polling", append([]any{"detail", why}, more...)...)
}

func (s *Session) tellSlowClient() {
	s.Warn(CauseSlowClient, "client dropped: it reads too slowly", "limit", s.srv.cfg.MaxBacklog)
}

// tellSlowAnswer is about a poll whose client stopped reading the answer.
func (s *Session) tellSlowAnswer() {
	s.Warn(CauseSlowClient, "client dropped: it takes nothing of the answer to its poll",
		"limit", s.srv.cfg.progressLimit().String(), "bound", BoundAnswer)
}

// tellMemory is about a client that was dropped because all together hold too much.
func (s *Session) tellMemory() {
	s.Warn(CauseMemory, "client dropped: what waits for all clients is too much", "waiting", s.held(),
		"limit", s.srv.cfg.Memory.Limit())
}

func (s *Session) tellTooLarge(what string) {
	s.Warn(CauseMessageSize, "client cut off: "+what+" too large", "limit", s.srv.cfg.MaxMessage)
}

func (s *Session) tellFrame(err *websocket.CloseError) {
	if err.Code == websocket.CloseTooBig {
		s.tellTooLarge("WebSocket message")
		return
	}
	s.Warn(CauseFrame, "client cut off: WebSocket rule broken", "code", err.Code, "error", err.Reason)
}

func (s *Session) tellBroken(err error) {
	args := []any{"error", err}
	var over *BoundError
	switch {
	case errors.As(err, &over):
		args = append(args, "bound", over.Bound)
	case errors.Is(err, payload.ErrTooMany):
		args = append(args, "limit", s.srv.cfg.MaxPayloadPackets, "bound", BoundPackets)
	}
	s.Warn(CausePacket, "client cut off: it broke the protocol or a limit", args...)
}
