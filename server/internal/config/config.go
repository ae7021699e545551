// Package config owns the server's settings: each has one flag, one environment variable, one
// default, one meaning and one check, all in one list (Settings), from which the command line, the
// environment and the help text are read.
package config

import (
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"time"

	weborigin "hipflask/server/internal/origin"
	"hipflask/server/internal/relay"
)

// Config holds checked settings: every field is valid by itself and together with the others.
type Config struct {
	Host     string // address or name to listen on, without brackets
	Port     int    // 0 picks a free one
	CertFile string // PEM; empty together with KeyFile: no TLS
	KeyFile  string

	UnixSocket     string // a file's path; empty: Host and Port count
	UnixSocketMode os.FileMode

	Path               string // "/socket.io": one leading slash, no trailing one
	PlainWebSocketPath string // "/" or "/chat"; empty: switched off
	Polling            bool   // at least one of Polling and WebSocket is true
	WebSocket          bool
	AllowUpgrades      bool
	AsyncHandlers      bool
	Cookie             string // the cookie's name; empty: none is set
	CookieAttributes   string // what follows the cookie's value: "path=/; SameSite=Lax"; empty if Cookie is
	ServerID           string // stands with a dot before each session's id; empty: nothing does

	// CORSAllowedOrigins holds origins as browsers send them: lower case, no path, no default port.
	// One that begins its host with "*." is a pattern. Empty: same origin only. A single "*": every
	// origin.
	CORSAllowedOrigins []string
	CORSCredentials    bool
	AllowedHosts       weborigin.Hosts // empty: every one

	StaticFolder string // a folder that was there; empty: none
	Page         bool   // the built-in one, where nothing else is served

	PingInterval      time.Duration
	PingTimeout       time.Duration
	ConnectTimeout    time.Duration
	AttachmentTimeout time.Duration
	UpgradeTimeout    time.Duration
	ReadHeaderTimeout time.Duration
	ReadBodyTimeout   time.Duration
	ShutdownTimeout   time.Duration
	Recovery          time.Duration // 0: switched off

	MaxHTTPBufferSize int64 // bytes
	MaxBacklog        int64 // bytes
	MaxQueuedEvents   int
	MaxNamespaces     int
	MaxAttachments    int
	MaxPayloadPackets int
	MaxJSONDepth      int

	// 0: no limit.
	MaxMessagesPerSecond         int
	MaxBytesPerSecond            int64
	MaxConnections               int // or Auto
	MaxConnectionsPerAddress     int
	MaxOpenConnections           int // or Auto
	MaxOpenConnectionsPerAddress int
	MaxHandshakesPerSecond       int
	MaxMemoryForClients          int64 // bytes, or Auto

	TrustedProxies  []netip.Prefix // empty, and TrustUnixSocket false: nobody is a proxy
	TrustUnixSocket bool

	SecretKeys        [][]byte // of Flask's session: the first signs, all verify; empty: there is none
	SecretKeyVisible  bool     // a flag named it, which others can see
	SecretKeyFile     string   // where the keys stood; empty: in no file
	SessionCookieName string
	SessionLifetime   time.Duration

	Backend relay.Target // what answers the rest; zero: nothing does

	HTTPCompression      bool
	CompressionThreshold int64 // bytes

	WebSocketCompression bool
	WebSocketThreshold   int64 // bytes

	MessageQueue         string // a Redis URL, which redislink checks; empty: this server is alone
	MessageQueueOptional bool
	ClusterAdapter       string // AdapterRedis or AdapterStreams
	ClusterStreamLength  int
	ClusterPrefix        string
	Channel              string
	ChannelFormat        string // ChannelAuto, ChannelJSON or ChannelPickle
	ClusterURL           string // http://HOST:PORT or https://HOST:PORT; empty: to be found out; ClusterURLOff: switched off

	AdminUser         string // empty together with AdminPasswordHash; without AdminUsersFile too: no Admin UI
	AdminPasswordHash string // bcrypt
	AdminUsersFile    string // who else may log in, see [Config.AdminUsers]; empty: nobody
	AdminReadOnly     bool   // nobody may change anything
	AdminMode         string // AdminProduction or AdminDevelopment

	OpsAddr  string // host:port for health and metrics; empty: switched off
	OpsPprof bool

	LogLevel  slog.Level
	LogFormat string // LogText or LogJSON

	Check       bool // check the settings, and serve nobody
	Healthcheck bool // ask the server that runs with these settings

	given origins
}

// The values of Config.LogFormat.
const (
	LogText = "text"
	LogJSON = "json"
)

// The values of Config.AdminMode.
const (
	AdminProduction  = "production"
	AdminDevelopment = "development"
)

// What Parse returns when it was asked for something other than settings.
var (
	ErrHelp    = errors.New("config: help asked for")
	ErrVersion = errors.New("config: version asked for")
)

// Fault blames a setting for what was found only when it was used.
func (c *Config) Fault(name, problem string) error { return c.given.fault(name, problem) }

// Value returns a setting by its name as it was written, or its default; empty for secrets, and for
// names that are none.
func (c *Config) Value(name string) string { return c.given[name].value }

// origin is where a setting's value came from ("--port", "HIPFLASK_PORT", "default") and how it was
// written there.
type origin struct{ source, value string }

// origins holds the origin of every setting by its name.
type origins map[string]origin

// fault blames the named setting as the user wrote it.
func (o origins) fault(name, problem string) *Error {
	return &Error{Source: o[name].source, Value: o[name].value, Problem: problem}
}
