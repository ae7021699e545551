package config

import (
	"slices"
	"strings"
)

// Settings lists every setting, in the order of the help text.
func Settings() []Setting { return settings(new(Config)) }

// settings lists every setting, tied to the fields of c.
func settings(c *Config) []Setting {
	list := slices.Concat(
		group("Listening", listening(c)),
		group("Clients", clients(c)),
		group("Other origins", crossOrigin(c)),
		group("Pages", pages(c)),
		group("Flask behind and beside", slices.Concat(backendSettings(c), flaskSession(c))),
		group("Timing", timing(c)),
		group("Limits for one client", slices.Concat(limits(c), clientBounds(c))),
		group("Limits for all clients", bounds(c)),
		group("Compression", compression(c)),
		group("Several servers", cluster(c)),
		group("Admin UI", adminUI(c)),
		group("Health and metrics", operations(c)),
		group("Logs", logs(c)),
		group("Other", []Setting{
			{Name: "check", flagOnly: true, Default: "false", set: into(&c.Check, boolean),
				Meaning: "Check the settings, the certificate and Redis among them, and exit: with 0, or with 2 and a line that says what is wrong."},
			{Name: "healthcheck", flagOnly: true, Default: "false", set: into(&c.Healthcheck, boolean),
				Meaning: "Ask the server that runs with the same settings whether it answers, and exit: with 0, or with 1."},
			{Name: "version", Meaning: "Print the version and exit.", stop: ErrVersion},
			{Name: "help", Meaning: "Print this and exit; -h for short.", stop: ErrHelp},
		}),
	)
	for i := range list {
		if list[i].set != nil && !list[i].flagOnly {
			list[i].Env = "HIPFLASK_" + strings.ToUpper(strings.ReplaceAll(list[i].Name, "-", "_"))
		}
	}
	return list
}

func group(name string, list []Setting) []Setting {
	for i := range list {
		list[i].Group = name
	}
	return list
}

func listening(c *Config) []Setting {
	return []Setting{
		{Name: "host", Value: "ADDRESS", Default: "127.0.0.1", set: into(&c.Host, host),
			Meaning: "Address or host name to listen on; 0.0.0.0 or :: for every network interface."},
		{Name: "port", Value: "NUMBER", Default: "5000", set: into(&c.Port, number(0, 65535)),
			Meaning: "TCP port to listen on; 0 picks a free one."},
		{Name: "certfile", Value: "FILE", set: into(&c.CertFile, text),
			Meaning: "Certificate chain in PEM; with --keyfile the server speaks TLS."},
		{Name: "keyfile", Value: "FILE", set: into(&c.KeyFile, text),
			Meaning: "Private key of --certfile, in PEM. When the files change, and on SIGHUP, both are loaded again."},
		{Name: "unix-socket", Value: "FILE", set: into(&c.UnixSocket, socketPath),
			Meaning: "Unix socket to listen on, instead of --host and --port."},
		{Name: "unix-socket-mode", Value: "MODE", Default: "0660", set: into(&c.UnixSocketMode, fileMode),
			Meaning: "Permissions of --unix-socket, in octal; who may write to it may connect."},
	}
}

func clients(c *Config) []Setting {
	return []Setting{
		{Name: "path", Value: "PATH", Default: "socket.io", set: into(&c.Path, path),
			Meaning: "URL path that socket.io clients use."},
		{Name: "plain-websocket-path", Value: "PATH", Default: "/", set: into(&c.PlainWebSocketPath, plainPath),
			Meaning: "URL path for browsers' own WebSocket without socket.io; off or an empty value switches it off."},
		{Name: "transports", Value: "LIST", Default: "polling,websocket", set: transports(c),
			Meaning: "Transports that socket.io clients may use: polling, websocket or both."},
		{Name: "allow-upgrades", Default: "true", set: into(&c.AllowUpgrades, boolean),
			Meaning: "Let a client that began with polling go over to WebSocket."},
		{Name: "async-handlers", Default: "false", set: into(&c.AsyncHandlers, boolean),
			Meaning: "Handle the events of one client at the same time, as Flask-SocketIO does, and not one after another."},
		{Name: "cookie", Value: "COOKIE", set: cookie(c),
			Meaning: "Name of a cookie that carries the session's id: io gives io=<sid>; path=/; SameSite=Lax. " +
				"Other attributes follow behind semicolons, as in \"io; Secure; HttpOnly\": Path, Domain, Max-Age, SameSite, " +
				"Secure, HttpOnly, Partitioned. For load balancers that route by cookie; none by default."},
		{Name: "server-id", Value: "NAME", set: into(&c.ServerID, serverID),
			Meaning: "Name of this server among several; with a dot it begins every session's id, " +
				"by which a load balancer can send polling clients to the server that has their session."},
	}
}

func timing(c *Config) []Setting {
	return []Setting{
		{Name: "ping-interval", Value: "DURATION", Default: "25s", set: into(&c.PingInterval, duration),
			Meaning: "Time between two pings to a client."},
		{Name: "ping-timeout", Value: "DURATION", Default: "20s", set: into(&c.PingTimeout, duration),
			Meaning: "Time a client has to answer a ping before it counts as gone."},
		{Name: "connect-timeout", Value: "DURATION", Default: "45s", set: into(&c.ConnectTimeout, duration),
			Meaning: "Time a new session has to connect to its first namespace."},
		{Name: "upgrade-timeout", Value: "DURATION", Default: "10s", set: into(&c.UpgradeTimeout, duration),
			Meaning: "Time a client has to finish going over from polling to WebSocket."},
		{Name: "read-header-timeout", Value: "DURATION", Default: "10s", set: into(&c.ReadHeaderTimeout, duration),
			Meaning: "Time a client has to send the headers of an HTTP request."},
		{Name: "read-body-timeout", Value: "DURATION", Default: "30s", set: into(&c.ReadBodyTimeout, duration),
			Meaning: "Time a client has to send the body of a polling request."},
		{Name: "attachment-timeout", Value: "DURATION", Default: "2m", set: into(&c.AttachmentTimeout, duration),
			Meaning: "Time in which all binary attachments of a packet have to come."},
		{Name: "shutdown-timeout", Value: "DURATION", Default: "10s", set: into(&c.ShutdownTimeout, duration),
			Meaning: "Time the server gives its clients and handlers to finish when it is told to stop."},
		{Name: "recovery", Value: "DURATION", Default: "off", set: into(&c.Recovery, orOff(duration)),
			Meaning: "Time in which a socket.io client 4.6 or newer that was cut off may come back to its session and get what it missed."},
	}
}

func limits(c *Config) []Setting {
	return []Setting{
		{Name: "max-http-buffer-size", Value: "SIZE", Default: "1000000", set: into(&c.MaxHTTPBufferSize, size(1, largest)),
			Meaning: "Longest message or polling request that a client may send."},
		{Name: "max-backlog", Value: "SIZE", Default: "1MiB", set: into(&c.MaxBacklog, size(1, largest)),
			Meaning: "Outgoing data that may wait for a client that reads too slowly, before it is dropped."},
		{Name: "max-queued-events", Value: "NUMBER", Default: "1024", set: into(&c.MaxQueuedEvents, number(1, 1_000_000)),
			Meaning: "Incoming events that may wait for the handlers, before reading from the client pauses."},
		{Name: "max-namespaces", Value: "NUMBER", Default: "128", set: into(&c.MaxNamespaces, number(1, 10_000)),
			Meaning: "Namespaces that one client may be connected to at a time."},
		{Name: "max-attachments", Value: "NUMBER", Default: "10", set: into(&c.MaxAttachments, number(0, 10_000)),
			Meaning: "Binary attachments of one packet. Newer socket.io clients end their connection over more than 10; 0 refuses binary events."},
		// A socket.io client sends all it has gathered in one request, so a burst of thousands of
		// events is lawful.
		{Name: "max-payload-packets", Value: "NUMBER", Default: "16384", set: into(&c.MaxPayloadPackets, number(1, 1_000_000)),
			Meaning: "Packets in one polling request."},
		{Name: "max-json-depth", Value: "NUMBER", Default: "128", set: into(&c.MaxJSONDepth, number(1, 1000)),
			Meaning: "Levels of objects and lists within one event."},
	}
}

func compression(c *Config) []Setting {
	return []Setting{
		{Name: "http-compression", Default: "true", set: into(&c.HTTPCompression, boolean),
			Meaning: "Compress polling responses for clients that accept it."},
		{Name: "compression-threshold", Value: "SIZE", Default: "1024", set: into(&c.CompressionThreshold, size(0, largest)),
			Meaning: "Shortest response that is worth compressing."},
		{Name: "websocket-compression", Default: "false", set: into(&c.WebSocketCompression, boolean),
			Meaning: "Agree on permessage-deflate (RFC 7692) with WebSocket clients that offer it, as all browsers do: a message is " +
				"compressed once for all who are sent it, and theirs may come compressed. Handlers leave out with Compress(false) what holds a secret " +
				"beside text of somebody else's."},
		{Name: "websocket-compression-threshold", Value: "SIZE", Default: "1024", set: into(&c.WebSocketThreshold, size(0, largest)),
			Meaning: "Shortest message that is worth compressing for WebSockets."},
	}
}

func operations(c *Config) []Setting {
	return []Setting{
		{Name: "ops-addr", Value: "ADDRESS", Default: "off", set: into(&c.OpsAddr, opsAddr),
			Meaning: "Address for /healthz, /readyz and /metrics, which ask for no password: a port alone, such as 9100, " +
				"is on the loopback interface, 0 picks a free one; 0.0.0.0:9100 is on every interface; off for none."},
		{Name: "ops-pprof", Default: "false", set: into(&c.OpsPprof, boolean),
			Meaning: "Serve Go's profiles there as well, at /debug/pprof/. They slow the server down and show its memory."},
	}
}

func logs(c *Config) []Setting {
	return []Setting{
		{Name: "log-level", Value: "LEVEL", Default: "info", set: into(&c.LogLevel, logLevel),
			Meaning: "Least important log lines to write: debug, info, warn or error."},
		{Name: "log-format", Value: "FORMAT", Default: LogText, set: into(&c.LogFormat, choice(LogText, LogJSON)),
			Meaning: "Form of the log lines on stderr: text or json."},
	}
}
