package socketio

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"hipflask/server/internal/config"
)

// Options are the settings of a [Server]. The fields are those of go run ./server under its flags'
// names; server/SETTINGS.md says what each means and what it may be. Where a field is zero the
// flag's default holds.
type Options struct {
	Path               string   // URL path that clients use; "/socket.io"
	PlainWebSocketPath string   // URL path that ServePlain serves; "/"; "off" for none
	Transports         []string // "polling" and "websocket"; both
	NoUpgrades         bool     // keep clients that began with polling there
	Cookie             string   // the cookie that carries the session's id, such as "io; Secure; HttpOnly"; none
	ServerID           string   // with a dot, what every session's id begins with; nothing

	CORSAllowedOrigins []string // origins of pages that may connect beside the server's own, or "*" alone; none
	AllowedHosts       []string // names by which the server may be called, as in a Host header; every name
	NoCORSCredentials  bool     // do not let those pages send cookies
	TrustedProxies     []string // addresses and networks whose X-Forwarded headers are believed; everybody's origin, nobody's address

	PingInterval      time.Duration // between two pings; 25 s
	PingTimeout       time.Duration // how long a pong may take; 20 s
	ConnectTimeout    time.Duration // from a session's opening to its first CONNECT; 45 s
	UpgradeTimeout    time.Duration // from the WebSocket's opening to the end of the upgrade; 10 s
	ReadBodyTimeout   time.Duration // how long the body of a POST may take; 30 s
	AttachmentTimeout time.Duration // from a packet to the last of its attachments; 2 min
	Recovery          time.Duration // how long a client that was cut off may come back to its session; not at all

	MaxHTTPBufferSize int // bytes of one message or POST body; 1,000,000
	MaxBacklog        int // bytes that may wait for a client that reads too slowly; 1 MiB
	MaxQueuedEvents   int // events of one client that may wait for handlers, before its reading pauses; 1024
	MaxNamespaces     int // that one client may be connected to at a time; 128
	MaxAttachments    int // of one packet; 10; a negative number for none
	MaxPayloadPackets int // in one POST body; 16,384
	MaxJSONDepth      int // levels of objects and lists within one event; 128

	// Derived from the machine's memory and files, where a negative number stands for no limit.
	MaxConnections      int // of all clients
	MaxMemoryForClients int // bytes that all clients together may hold: 1 MiB at least

	// No limit, where a negative number stands for none as well.
	MaxMessagesPerSecond     int // of one client, whose reading then pauses
	MaxBytesPerSecond        int // of one client, whose reading then pauses
	MaxConnectionsPerAddress int
	MaxHandshakesPerSecond   int // of all clients

	NoHTTPCompression    bool // do not compress polling responses
	CompressionThreshold int  // bytes of the shortest one that is worth compressing; 1024

	// WebSocketCompression is permessage-deflate (RFC 7692), for clients that offer it: a message
	// of WebSocketCompressionThreshold bytes (1024) or more is compressed, once for all who are
	// sent it.
	WebSocketCompression          bool
	WebSocketCompressionThreshold int

	AsyncHandlers bool // handle a client's events at the same time, as Flask does

	// SessionValues are what [Context.Get] returns until Set changes it: the session of the page
	// that opened the connection, in the request r at the time opened. It is called once for a
	// connection, when a value is first asked for. Nil: there are none.
	// Flask: the session of a connect handler begins as a copy of the page's.
	SessionValues func(r *http.Request, opened time.Time) map[string]any

	Logger  *slog.Logger    // slog.Default()
	Context context.Context // the parent of what background tasks get; context.Background()
}

// Validate returns an error that names what is wrong with the options, nil if nothing is. [New]
// makes a server of any: one of wrong options returns the error from each On and answers every
// request with 500. Flask has none: SocketIO(app) raises or goes on.
func (o Options) Validate() error {
	_, err := o.settings()
	return err
}

// option is one under its own name and its setting's. set reports whether it is not zero.
type option struct {
	set                   bool
	field, setting, value string
}

// settings are the options in the form in which the program's settings are checked.
func (o Options) settings() (*config.Config, error) {
	values, fields := make(map[string]string), make(map[string]string)
	for _, g := range o.all() {
		if fields[g.setting] = g.field; g.set {
			values[g.setting] = g.value
		}
	}
	return config.Of(values, func(setting string) string { return "socketio.Options." + fields[setting] })
}

// optionName is how the log names a setting to those who have options: see [advice.Namer].
func optionName(setting, value string) string {
	all := Options{}.all()
	i := slices.IndexFunc(all, func(o option) bool { return o.setting == setting })
	switch {
	case i < 0:
		return ""
	case value == "" || value == all[i].value: // what an option that is a switch stands for
		return "socketio.Options." + all[i].field
	}
	return "socketio.Options." + all[i].field + "=" + value
}

func (o Options) all() []option {
	var all []option
	add := func(set bool, field, setting, value string) {
		all = append(all, option{set, field, setting, value})
	}
	text := func(field, setting, value string) { add(value != "", field, setting, value) }
	list := func(field, setting string, values []string) {
		add(len(values) > 0, field, setting, strings.Join(values, ","))
	}
	length := func(field, setting string, d time.Duration) { add(d != 0, field, setting, d.String()) }
	// A negative number stands for what the setting calls none, if it knows such a thing.
	number := func(field, setting string, n int, none string) {
		value := strconv.Itoa(n)
		if n < 0 && none != "" {
			value = none
		}
		add(n != 0, field, setting, value)
	}

	text("Path", "path", o.Path)
	text("PlainWebSocketPath", "plain-websocket-path", o.PlainWebSocketPath)
	list("Transports", "transports", o.Transports)
	add(o.NoUpgrades, "NoUpgrades", "allow-upgrades", "false")
	text("Cookie", "cookie", o.Cookie)
	text("ServerID", "server-id", o.ServerID)
	list("CORSAllowedOrigins", "cors-allowed-origins", o.CORSAllowedOrigins)
	list("AllowedHosts", "allowed-hosts", o.AllowedHosts)
	add(o.NoCORSCredentials, "NoCORSCredentials", "cors-credentials", "false")
	list("TrustedProxies", "trusted-proxies", o.TrustedProxies)
	length("PingInterval", "ping-interval", o.PingInterval)
	length("PingTimeout", "ping-timeout", o.PingTimeout)
	length("ConnectTimeout", "connect-timeout", o.ConnectTimeout)
	length("UpgradeTimeout", "upgrade-timeout", o.UpgradeTimeout)
	length("ReadBodyTimeout", "read-body-timeout", o.ReadBodyTimeout)
	length("AttachmentTimeout", "attachment-timeout", o.AttachmentTimeout)
	length("Recovery", "recovery", o.Recovery)
	number("MaxHTTPBufferSize", "max-http-buffer-size", o.MaxHTTPBufferSize, "")
	number("MaxBacklog", "max-backlog", o.MaxBacklog, "")
	number("MaxQueuedEvents", "max-queued-events", o.MaxQueuedEvents, "")
	number("MaxNamespaces", "max-namespaces", o.MaxNamespaces, "")
	number("MaxAttachments", "max-attachments", o.MaxAttachments, "0")
	number("MaxPayloadPackets", "max-payload-packets", o.MaxPayloadPackets, "")
	number("MaxJSONDepth", "max-json-depth", o.MaxJSONDepth, "")
	number("MaxMessagesPerSecond", "max-messages-per-second", o.MaxMessagesPerSecond, "off")
	number("MaxBytesPerSecond", "max-bytes-per-second", o.MaxBytesPerSecond, "off")
	number("MaxConnections", "max-connections", o.MaxConnections, "off")
	number("MaxMemoryForClients", "max-memory-for-clients", o.MaxMemoryForClients, "off")
	number("MaxConnectionsPerAddress", "max-connections-per-address", o.MaxConnectionsPerAddress, "off")
	number("MaxHandshakesPerSecond", "max-handshakes-per-second", o.MaxHandshakesPerSecond, "off")
	add(o.NoHTTPCompression, "NoHTTPCompression", "http-compression", "false")
	number("CompressionThreshold", "compression-threshold", o.CompressionThreshold, "")
	add(o.WebSocketCompression, "WebSocketCompression", "websocket-compression", "true")
	number("WebSocketCompressionThreshold", "websocket-compression-threshold", o.WebSocketCompressionThreshold, "")
	add(o.AsyncHandlers, "AsyncHandlers", "async-handlers", "true")
	return all
}
