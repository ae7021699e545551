package socketio

import (
	"log/slog"
	"time"

	"hipflask/server/internal/config"
	"hipflask/server/internal/engineio"
	"hipflask/server/internal/extras"
	"hipflask/server/internal/fanout"
	"hipflask/server/internal/inspect"
	"hipflask/server/internal/packet"
)

// setup is what a server runs with.
type setup struct {
	Engine          engineio.Config
	Limits          packet.Limits
	ConnectTimeout  time.Duration
	MaxQueuedEvents int
	Recovery        time.Duration
	Concurrent      bool
	Inspect         *inspect.Door // never nil
	Peers           fanout.Peers  // nil without other servers
}

func newSetup(cfg *config.Config, log *slog.Logger, more extras.Extras) setup {
	s := setup{
		Engine: engineConfig(cfg, log),
		Limits: packet.Limits{
			MaxAttachments: orNone(cfg.MaxAttachments),
			MaxDepth:       cfg.MaxJSONDepth,
			MaxBytes:       cfg.MaxAttachments*int(cfg.MaxHTTPBufferSize) + int(cfg.MaxHTTPBufferSize),
		},
		ConnectTimeout:  cfg.ConnectTimeout,
		MaxQueuedEvents: cfg.MaxQueuedEvents,
		Recovery:        cfg.Recovery,
		Concurrent:      cfg.AsyncHandlers,
		Inspect:         more.Inspect,
		Peers:           more.Peers,
	}
	s.Engine.Memory = more.Memory
	if s.Inspect == nil {
		s.Inspect = new(inspect.Door)
	}
	return s
}

func engineConfig(cfg *config.Config, log *slog.Logger) engineio.Config {
	origins := engineio.OriginPolicy{List: cfg.CORSAllowedOrigins, Credentials: cfg.CORSCredentials}
	if len(origins.List) == 1 && origins.List[0] == "*" {
		origins.Any, origins.List = true, nil
	}
	return engineio.Config{
		PingInterval:         cfg.PingInterval,
		PingTimeout:          cfg.PingTimeout,
		UpgradeTimeout:       cfg.UpgradeTimeout,
		MaxMessage:           int(cfg.MaxHTTPBufferSize),
		MaxPayloadPackets:    cfg.MaxPayloadPackets,
		MaxBacklog:           int(cfg.MaxBacklog),
		Path:                 cfg.Path,
		PlainPath:            cfg.PlainWebSocketPath,
		Polling:              cfg.Polling,
		WebSocket:            cfg.WebSocket,
		AllowUpgrades:        cfg.AllowUpgrades,
		Compression:          cfg.HTTPCompression,
		CompressionThreshold: int(cfg.CompressionThreshold),
		Cookie:               cfg.Cookie,
		ServerID:             cfg.ServerID,
		Origins:              origins,
		BodyTimeout:          cfg.ReadBodyTimeout,
		Bounds:               bounds(cfg),
		Proxies:              engineio.Proxies{Networks: cfg.TrustedProxies, UnixSocket: cfg.TrustUnixSocket},
		Logger:               log,
	}
}

func bounds(cfg *config.Config) engineio.Bounds {
	return engineio.Bounds{
		Connections:           cfg.MaxConnections,
		ConnectionsPerAddress: cfg.MaxConnectionsPerAddress,
		Handshakes:            cfg.MaxHandshakesPerSecond,
		Messages:              cfg.MaxMessagesPerSecond,
		Bytes:                 int(cfg.MaxBytesPerSecond),
	}
}

// orNone turns a limit of 0 into what stands for none, where 0 means the default.
func orNone(limit int) int {
	if limit == 0 {
		return -1
	}
	return limit
}
