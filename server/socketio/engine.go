package socketio

import (
	"log/slog"
	"net/http"
	"time"

	"hipflask/server/internal/budget"
	"hipflask/server/internal/capacity"
	"hipflask/server/internal/config"
	"hipflask/server/internal/engineio"
	"hipflask/server/internal/extras"
	"hipflask/server/internal/fanout"
	"hipflask/server/internal/inspect"
	"hipflask/server/internal/origin"
	"hipflask/server/internal/packet"
)

// setup is what a server runs with.
type setup struct {
	Engine            engineio.Config
	Limits            packet.Limits
	ConnectTimeout    time.Duration
	AttachmentTimeout time.Duration
	MaxQueuedEvents   int
	MaxNamespaces     int
	Recovery          time.Duration
	Concurrent        bool
	Hooks             inspect.Hooks
	Peers             fanout.Peers                                  // nil without other servers
	SessionValues     func(*http.Request, time.Time) map[string]any // nil: none
}

func newSetup(cfg *config.Config, log *slog.Logger, more extras.Extras) setup {
	s := setup{
		Engine: engineConfig(cfg, log),
		Limits: packet.Limits{
			MaxAttachments: orNone(cfg.MaxAttachments),
			MaxDepth:       cfg.MaxJSONDepth,
			MaxBytes:       cfg.MaxAttachments*int(cfg.MaxHTTPBufferSize) + int(cfg.MaxHTTPBufferSize),
		},
		ConnectTimeout:    cfg.ConnectTimeout,
		AttachmentTimeout: cfg.AttachmentTimeout,
		MaxQueuedEvents:   cfg.MaxQueuedEvents,
		MaxNamespaces:     cfg.MaxNamespaces,
		Recovery:          cfg.Recovery,
		Concurrent:        cfg.AsyncHandlers,
		Hooks:             more.Hooks,
		Peers:             more.Peers,
	}
	if more.Elsewhere != nil {
		s.Engine.Elsewhere, s.Engine.Alive, s.Engine.ServerID = more.Elsewhere, more.Alive, more.ServerID
	}
	limits := more.Capacity
	if limits == nil {
		here := capacity.Here(cfg)
		limits = &here
	}
	s.Engine.Bounds = limits.Bounds(cfg)
	if s.Engine.Memory = more.Memory; s.Engine.Memory == nil {
		s.Engine.Memory = budget.New(limits.ForClients)
	}
	return s
}

func engineConfig(cfg *config.Config, log *slog.Logger) engineio.Config {
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
		WebSocketCompression: cfg.WebSocketCompression,
		WebSocketThreshold:   int(cfg.WebSocketThreshold),
		Cookie:               cfg.Cookie,
		CookieAttributes:     cfg.CookieAttributes,
		ServerID:             cfg.ServerID,
		Origins:              pagePolicy(cfg),
		BodyTimeout:          cfg.ReadBodyTimeout,
		Proxies:              engineio.Proxies{Networks: cfg.TrustedProxies, UnixSocket: cfg.TrustUnixSocket},
		Logger:               log,
	}
}

// orNone turns a limit of 0 into what stands for none, where 0 means the default.
func orNone(limit int) int {
	if limit == 0 {
		return -1
	}
	return limit
}

// pagePolicy is which pages may connect, and by which names the server is called.
func pagePolicy(cfg *config.Config) origin.Policy {
	p := origin.Policy{List: cfg.CORSAllowedOrigins, Hosts: cfg.AllowedHosts, Credentials: cfg.CORSCredentials}
	if len(p.List) == 1 && p.List[0] == "*" {
		p.Any, p.List = true, nil
	}
	return p
}
