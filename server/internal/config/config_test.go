package config

import (
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	weborigin "hipflask/server/internal/origin"
)

// sample is what a test needs to know of one setting.
type sample struct {
	name  string
	field string // of Config; two with a comma between where one setting rules both
	def   any    // the field's value by default
	good  []good // the first one is used wherever any value will do; it differs from the default
	bad   map[string]string
}

// good is a value as written and what the field then holds.
type good struct {
	value string
	want  any
}

func samples() []sample {
	badDuration := map[string]string{
		"soon": "duration", "0": "from 1ms", "0s": "from 1ms", "-5s": "from 1ms", "-1": "from 1ms", "25h": "to 24h",
		"1us": "from 1ms", ".": "duration", "inf": "duration", "1e3": "duration", " 5s": "duration",
		"99999999999999999999": "duration",
	}
	badBound := map[string]string{"": "off or", "1000001": "to 1000000", "-1": "from 1", "some": "whole number", "1.5": "whole number"}
	badAutoBound := map[string]string{"": "auto, off or", "1000001": "to 1000000", "-1": "from 1", "Auto": "auto, off or"}
	badSwitch := map[string]string{"maybe": "true or false", "2": "true or false", "": "true or false"}
	badSize := map[string]string{
		"": "bytes", "lots": "bytes", "-1": "bytes", "1.5MB": "bytes", "1TB": "bytes", "2GB": "1024MiB", "1025MiB": "1024MiB",
		"1i": "bytes", "MB": "bytes", "99999999999999999999": "bytes", "9223372036854775807MiB": "bytes",
		"-9223372036854775808KB": "bytes",
	}
	return []sample{
		{"static-folder", "StaticFolder", "", []good{{".", "."}, {"../config", "../config"}},
			map[string]string{"nowhere": "a folder", "config.go": "a folder"}},
		{"page", "Page", true, []good{{"false", false}, {"off", false}}, badSwitch},
		{"host", "Host", "127.0.0.1", []good{
			{"0.0.0.0", "0.0.0.0"}, {"::1", "::1"}, {"[::1]", "::1"}, {"localhost", "localhost"}, {"fe80::1%lo", "fe80::1%lo"},
		}, map[string]string{
			"": "must be an address", "127.0.0.1:5000": "without a port", "http://localhost": "must be an address",
			"256.0.0.1": "must be an address", "a b": "must be an address", "[]": "must be an address",
		}},
		{"port", "Port", 5000, []good{{"8080", 8080}, {"0", 0}, {"65535", 65535}}, map[string]string{
			"65536": "0 to 65535", "-1": "0 to 65535", "http": "0 to 65535", "50.5": "0 to 65535", "": "0 to 65535",
		}},
		{"unix-socket", "UnixSocket", "", []good{{"/run/hipflask.sock", "/run/hipflask.sock"}, {"socket", "socket"}}, map[string]string{
			strings.Repeat("a", 104): "at most 103", "@abstract": "does not begin with @", "a\x00b": "file's path",
		}},
		{"unix-socket-mode", "UnixSocketMode", os.FileMode(0o660), []good{
			{"0666", os.FileMode(0o666)}, {"600", os.FileMode(0o600)},
		}, map[string]string{"": "octal", "rw": "octal", "668": "octal", "1777": "octal", "0060": "owner"}},
		{"path", "Path", "/socket.io", []good{
			{"chat", "/chat"}, {"/chat/", "/chat"}, {"//api/v1/socket.io//", "/api/v1/socket.io"},
		}, map[string]string{
			"": "URL path", "/": "URL path", "a?b": "'?'", "a#b": "'#'", "a*": "'*'", ":id": "':'", "../a": `".."`,
			"a..b": `".."`, "a//b": "slashes", "a/./b": `"."`, "a b": "' '", "a%20b": "'%'", "caf\u00e9": "'\u00e9'", "a\nb": `'\n'`,
		}},
		{"plain-websocket-path", "PlainWebSocketPath", "/", []good{
			{"/ws", "/ws"}, {"ws/", "/ws"}, {"/", "/"}, {"off", ""}, {"/socket.io2", "/socket.io2"},
		}, map[string]string{
			"a?b": "'?'", "/../": `".."`, ":x": "':'", "/socket.io/": "outside --path", "socket.io/ws": "outside --path",
		}},
		{"transports", "Polling,WebSocket", []any{true, true}, []good{
			{"websocket", []any{false, true}}, {"polling", []any{true, false}}, {"websocket, polling", []any{true, true}},
		}, map[string]string{
			"": "must be polling", "webtransport": "must be polling", "polling,": "must be polling", "polling;websocket": "must be polling",
		}},
		{"allow-upgrades", "AllowUpgrades", true, []good{{"false", false}, {"TRUE", true}, {"off", false}}, badSwitch},
		cookieSample(),
		{"server-id", "ServerID", "", []good{{"a", "a"}, {"web-1_x", "web-1_x"}}, map[string]string{
			"a.b": "letters, digits", "a b": "letters, digits", "\u00e9": "letters, digits", strings.Repeat("x", 33): "at most 32",
		}},
		originSample(),
		hostSample(),
		{"cors-credentials", "CORSCredentials", true, []good{{"false", false}, {"yes", true}, {"0", false}}, badSwitch},
		{"ping-interval", "PingInterval", 25 * time.Second, []good{
			{"30s", 30 * time.Second}, {"10", 10 * time.Second}, {"0.5", 500 * time.Millisecond}, {"1m30s", 90 * time.Second},
			{"1ms", time.Millisecond}, {"24h", 24 * time.Hour},
		}, badDuration},
		{"ping-timeout", "PingTimeout", 20 * time.Second, []good{{"5s", 5 * time.Second}}, badDuration},
		{"connect-timeout", "ConnectTimeout", 45 * time.Second, []good{{"5s", 5 * time.Second}}, badDuration},
		{"attachment-timeout", "AttachmentTimeout", 2 * time.Minute, []good{{"5s", 5 * time.Second}}, badDuration},
		{"upgrade-timeout", "UpgradeTimeout", 10 * time.Second, []good{{"5s", 5 * time.Second}}, badDuration},
		{"read-header-timeout", "ReadHeaderTimeout", 10 * time.Second, []good{{"5s", 5 * time.Second}}, badDuration},
		{"read-body-timeout", "ReadBodyTimeout", 30 * time.Second, []good{{"5s", 5 * time.Second}}, badDuration},
		{"recovery", "Recovery", time.Duration(0), []good{{"2m", 2 * time.Minute}, {"off", time.Duration(0)}, {"0", time.Duration(0)}}, map[string]string{"soon": "duration", "-1s": "duration"}},
		{"async-handlers", "AsyncHandlers", false, []good{{"true", true}, {"off", false}}, badSwitch},
		{"shutdown-timeout", "ShutdownTimeout", 10 * time.Second, []good{{"5s", 5 * time.Second}}, badDuration},
		{"max-http-buffer-size", "MaxHTTPBufferSize", int64(1_000_000), []good{
			{"5MB", int64(5_000_000)}, {"64 KiB", int64(65536)}, {"2mib", int64(2 << 20)}, {"3KB", int64(3000)}, {"100", int64(100)},
			{"100B", int64(100)}, {"1024MiB", int64(1 << 30)}, {"1GB", int64(1e9)}, {"1GiB", int64(1 << 30)},
		}, with(badSize, "0", "from 1")},
		{"max-backlog", "MaxBacklog", int64(1 << 20), []good{{"4MiB", int64(4 << 20)}}, with(badSize, "0", "from 1")},
		{"max-namespaces", "MaxNamespaces", 128, []good{{"1", 1}}, map[string]string{"0": "from 1", "10001": "to 10000"}},
		{"max-queued-events", "MaxQueuedEvents", 1024, []good{{"10", 10}}, map[string]string{"0": "from 1", "1000001": "to 1000000"}},
		{"max-attachments", "MaxAttachments", 10, []good{{"64", 64}, {"0", 0}}, map[string]string{"-1": "from 0", "10001": "to 10000"}},
		{"max-payload-packets", "MaxPayloadPackets", 16384, []good{{"10", 10}}, map[string]string{"0": "from 1", "all": "whole number"}},
		{"max-json-depth", "MaxJSONDepth", 128, []good{{"10", 10}}, map[string]string{"0": "from 1", "1001": "to 1000"}},
		{"max-messages-per-second", "MaxMessagesPerSecond", 0, []good{{"100", 100}, {"off", 0}, {"0", 0}}, badBound},
		{"max-bytes-per-second", "MaxBytesPerSecond", int64(0), []good{{"64KiB", int64(65536)}, {"off", int64(0)}, {"0", int64(0)}}, badSize},
		{"max-connections", "MaxConnections", Auto, []good{{"1000000", 1_000_000}, {"off", 0}, {"0", 0}, {"auto", Auto}}, badAutoBound},
		{"max-open-connections", "MaxOpenConnections", Auto, []good{{"300", 300}, {"off", 0}, {"auto", Auto}}, badAutoBound},
		{"max-open-connections-per-address", "MaxOpenConnectionsPerAddress", 0, []good{{"20", 20}, {"off", 0}}, badBound},
		{"max-memory-for-clients", "MaxMemoryForClients", int64(Auto), []good{
			{"2GiB", int64(2 << 30)}, {"1024GiB", int64(1 << 40)}, {"1MiB", int64(1 << 20)}, {"off", int64(0)}, {"0", int64(0)}, {"auto", int64(Auto)},
		}, map[string]string{"": "auto, off", "1": "from 1MiB", "1025GiB": "1024GiB", "9223372036854775807GiB": "1024GiB", "-1": "from 1MiB", "Auto": "auto, off"}},
		{"max-connections-per-address", "MaxConnectionsPerAddress", 0, []good{{"20", 20}, {"off", 0}}, badBound},
		{"max-handshakes-per-second", "MaxHandshakesPerSecond", 0, []good{{"50", 50}, {"off", 0}}, badBound},
		proxySample(), sessionSamples()[0], sessionSamples()[1],
		{"http-compression", "HTTPCompression", true, []good{{"no", false}, {"on", true}}, badSwitch},
		{"compression-threshold", "CompressionThreshold", int64(1024), []good{{"2KiB", int64(2048)}, {"0", int64(0)}}, badSize},
		{"websocket-compression", "WebSocketCompression", false, []good{{"no", false}, {"on", true}}, badSwitch},
		{"websocket-compression-threshold", "WebSocketThreshold", int64(1024), []good{{"2KiB", int64(2048)}, {"0", int64(0)}}, badSize},
		{"cluster-adapter", "ClusterAdapter", AdapterRedis, []good{{"redis-streams", AdapterStreams}, {"Redis", AdapterRedis}}, map[string]string{
			"": "redis or redis-streams", "streams": "redis or redis-streams",
		}},
		{"cluster-stream-length", "ClusterStreamLength", 10_000, []good{{"1000", 1000}, {"100000000", 100_000_000}}, map[string]string{
			"": "whole number", "999": "from 1000", "x": "whole number",
		}},
		{"cluster-prefix", "ClusterPrefix", "socket.io", []good{{"shop", "shop"}, {"a.b_c:d/{e}-1", "a.b_c:d/{e}-1"}}, map[string]string{
			"": "1 to 100 letters", "a#b": "letters", "a*": "letters", "a b": "letters", "shop-request": "-response", strings.Repeat("a", 101): "1 to 100",
		}},
		{"channel", "Channel", "flask-socketio", []good{{"socketio", "socketio"}, {"a#b", "a#b"}}, map[string]string{
			"": "must be a name", "a b": "white space", "socket.io#/#": "begin with socket.io",
		}},
		clusterURLSample(),
		{"channel-format", "ChannelFormat", ChannelAuto, []good{{"pickle", ChannelPickle}, {"JSON", ChannelJSON}}, map[string]string{"": "auto, json", "xml": "auto, json"}},
		{"admin-mode", "AdminMode", AdminProduction, []good{{"development", AdminDevelopment}, {"Production", AdminProduction}}, map[string]string{"": "production or", "debug": "production or"}},
		{"ops-addr", "OpsAddr", "", []good{
			{"9100", "127.0.0.1:9100"}, {":9100", "127.0.0.1:9100"}, {"0", "127.0.0.1:0"}, {"off", ""}, {"0.0.0.0:9100", "0.0.0.0:9100"},
			{"[::1]:9100", "[::1]:9100"}, {"localhost:0", "localhost:0"},
		}, map[string]string{
			"localhost": "must be a port", "65536": "must be a port", "-1": "must be a port", "http://localhost:9100": "must be a port",
			"::1": "must be a port", ":": "must be a port", "256.0.0.1:9100": "must be a port", "9100/": "must be a port",
		}},
		{"log-level", "LogLevel", slog.LevelInfo, []good{
			{"debug", slog.LevelDebug}, {"info", slog.LevelInfo}, {"warn", slog.LevelWarn}, {"WARNING", slog.LevelWarn}, {"error", slog.LevelError},
		}, map[string]string{"": "debug, info", "loud": "debug, info"}},
		{"log-format", "LogFormat", LogText, []good{{"json", LogJSON}, {"text", LogText}}, map[string]string{"xml": "text or json"}},
	}
}

func originSample() sample {
	return sample{"cors-allowed-origins", "CORSAllowedOrigins", []string(nil), []good{
		{"https://example.com", []string{"https://example.com"}},
		{"*", []string{"*"}},
		{"http://a, HTTP://B:3000 ,http://a", []string{"http://a", "http://b:3000"}},
		{"https://a:443,http://a:80,http://a:443", []string{"https://a", "http://a", "http://a:443"}},
		{"http://[::1]:8080,http://127.0.0.1", []string{"http://[::1]:8080", "http://127.0.0.1"}},
		{"capacitor://localhost", []string{"capacitor://localhost"}},
		{"NULL,file://,App://.,tauri://localhost", []string{"null", "file://", "app://.", "tauri://localhost"}},
		{"https://*.Example.com:443,http://*.localhost:3000", []string{"https://*.example.com", "http://*.localhost:3000"}},
		{"https://a.", []string{"https://a."}},
	}, map[string]string{
		"https://a.com/":       "write https://a.com",
		"https://a.com/x?y":    "write https://a.com",
		"https://u@a.com/x":    "scheme://host",
		"example.com":          "no scheme",
		"nulls":                "no scheme",
		"file:///x":            "write file://",
		"file:///":             "write file://",
		"http://.":             "host",
		"https://a..b":         "host",
		"https://*":            "first labels",
		"https://a.*.b":        "first labels",
		"https://*a.b":         "first labels",
		"https://*.*.b":        "first labels",
		"https://a:*":          "first labels",
		"https://*.10.0.0.1":   "before an address",
		"1http://a":            "no scheme",
		"https://":             "no host",
		"https:///x":           "scheme://host",
		"https://a:0":          "port",
		"https://a:http":       "port",
		"https://a:":           "port",
		"https://a:70000":      "port",
		"https://a b":          "host",
		"https://u@a":          "host",
		"https://256.1.1.1":    "host",
		"https://::1":          "host",
		"https://[::1":         "brackets",
		"https://[1.2.3.4]":    "brackets",
		"https://a,,https://b": "between two commas",
		"https://a,":           "between two commas",
		"*,https://a":          "alone",
	}}
}

func hostSample() sample {
	return sample{"allowed-hosts", "AllowedHosts", weborigin.Hosts(nil), []good{
		{"chat.example.com", weborigin.Hosts{"chat.example.com"}},
		{" Chat.Example.com. , *.example.org:8080,::1,chat.example.com", weborigin.Hosts{"chat.example.com", "*.example.org:8080", "[::1]"}},
		{"192.0.2.1:5000,[2001:db8::1]:05000", weborigin.Hosts{"192.0.2.1:5000", "[2001:db8::1]:5000"}},
		{"*", weborigin.Hosts{"*"}},
	}, map[string]string{
		"https://a": "has a scheme", "a,": "between two commas", "a,*": "stand alone", "a/b": "no valid host", "a:0": "port", "a.*": "first labels",
		"[::1": "brackets", "256.0.0.1": "no valid host",
	}}
}

// cookieSample has the cookie's name and what follows its value.
func cookieSample() sample {
	const plain = "path=/; SameSite=Lax"
	return sample{"cookie", "Cookie,CookieAttributes", []any{"", ""}, []good{
		{"io", []any{"io", plain}}, {"my-sid_1", []any{"my-sid_1", plain}},
		{"io; Secure; HttpOnly", []any{"io", plain + "; Secure; HttpOnly"}},
		{"io;httponly;SECURE", []any{"io", plain + "; Secure; HttpOnly"}},
		{"io; SameSite=none; Secure; Partitioned", []any{"io", "path=/; SameSite=None; Secure; Partitioned"}},
		{" io ; Max-Age=3600 ; Domain=.example.com ; Path=/socket.io ; samesite=STRICT ",
			[]any{"io", "path=/socket.io; SameSite=Strict; Domain=.example.com; Max-Age=3600"}},
		{"__Host-io; Secure", []any{"__Host-io", plain + "; Secure"}},
	}, map[string]string{
		"a=b": "cookie's name", "a b": "cookie's name", "\u00e9": "cookie's name", "a\r\nb": "cookie's name", ";": "cookie's name", "; Secure": "cookie's name",
		"a;b": `attribute "b"`, "io;": `attribute ""`, "io; Secure;": `attribute ""`, "io; Expires=now": "Max-Age",
		"io; Secure=true": "Secure without a value", "io; HttpOnly=": "HttpOnly without", "io; Secure; secure": "names secure twice", "io; Path=/; path=/a": "names path twice",
		"io; SameSite": "SameSite=Lax", "io; SameSite=maybe": "SameSite=Lax", "io; SameSite=None": "Secure with SameSite=None", "io; Partitioned": "Secure with Partitioned",
		"io; Path": "Path=/", "io; Path=a": "Path=/", "io; Path=/a b": "Path=/", "io; Path=/\r\nX: y": "Path=/", "io; Path=/\u00e9": "Path=/",
		"io; Domain=": "Domain=example.com", "io; Domain=a b": "Domain=example.com", "io; Domain=192.0.2.1": "Domain=example.com", "io; Domain=a.": "Domain=example.com",
		"io; Max-Age=0": "Max-Age=3600", "io; Max-Age=-1": "Max-Age=3600", "io; Max-Age=1h": "Max-Age=3600", "io; Max-Age=34560001": "34560000",
		"__Secure-io": "__Secure-", "__host-io; Secure; Path=/x": "__Host-", "__Host-io; Secure; Domain=a.b": "__Host-",
	}}
}

func proxySample() sample {
	network := func(list ...string) []any {
		var all []netip.Prefix
		for _, text := range list {
			all = append(all, netip.MustParsePrefix(text))
		}
		return []any{all, false}
	}
	return sample{"trusted-proxies", "TrustedProxies,TrustUnixSocket", network(), []good{
		{"127.0.0.1", network("127.0.0.1/32")},
		{"10.0.0.0/8, fd00::/8 ,::1,10.0.0.0/8", network("10.0.0.0/8", "fd00::/8", "::1/128")},
		{"::ffff:192.0.2.1", network("192.0.2.1/32")},
		{"unix", []any{[]netip.Prefix(nil), true}},
	}, map[string]string{
		"proxy.example": "addresses, networks", "10.0.0.0/33": "addresses, networks", "10.0.0.1/8": "write 10.0.0.0/8",
		"127.0.0.1,": "addresses, networks", "127.0.0.1:80": "addresses, networks", "*": "addresses, networks",
		"fe80::1%lo": "addresses, networks", "::ffff:10.0.0.0/104": "addresses, networks", "UNIX": "addresses, networks",
	}}
}

// with adds one entry to a copy of m.
func with(m map[string]string, key, value string) map[string]string {
	more := map[string]string{key: value}
	for k, v := range m {
		more[k] = v
	}
	return more
}

// env makes an environment of NAME, value pairs.
func env(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

// envName says by the documented rule, not by the list, which variable belongs to a flag.
func envName(flag string) string {
	return "HIPFLASK_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

func mustParse(t *testing.T, getenv func(string) string, args ...string) *Config {
	t.Helper()
	c, err := Parse(args, getenv)
	if err != nil {
		t.Fatalf("Parse(%q): %v", args, err)
	}
	return c
}

// get reads the fields that a sample names.
func get(c *Config, fields string) any {
	v := reflect.ValueOf(c).Elem()
	names := strings.Split(fields, ",")
	if len(names) == 1 {
		return v.FieldByName(fields).Interface()
	}
	var all []any
	for _, name := range names {
		all = append(all, v.FieldByName(name).Interface())
	}
	return all
}

func expect(t *testing.T, c *Config, field string, want any) {
	t.Helper()
	if got := get(c, field); !reflect.DeepEqual(got, want) {
		t.Errorf("%s = %#v, want %#v", field, got, want)
	}
}

// refused wants one line, an *Error, that begins with source and holds every part.
func refused(t *testing.T, args []string, getenv func(string) string, source string, parts ...string) {
	t.Helper()
	c, err := Parse(args, getenv)
	var wrong *Error
	if !errors.As(err, &wrong) || c != nil {
		t.Fatalf("Parse(%q) = %v, %v; want an *Error", args, c, err)
	}
	line := err.Error()
	if strings.ContainsAny(line, "\n\r\u2028") {
		t.Errorf("Parse(%q): more than one line: %q", args, line)
	}
	if !strings.HasPrefix(line, source) {
		t.Errorf("Parse(%q): %q does not begin with %q", args, line, source)
	}
	for _, part := range parts {
		if !strings.Contains(line, part) {
			t.Errorf("Parse(%q): %q does not hold %q", args, line, part)
		}
	}
}

func TestEachSetting(t *testing.T) {
	for _, s := range samples() {
		t.Run(s.name, func(t *testing.T) {
			flag, variable := "--"+s.name, envName(s.name)
			expect(t, mustParse(t, env()), s.field, s.def)
			for _, g := range s.good {
				expect(t, mustParse(t, env(), flag+"="+g.value), s.field, g.want)
				expect(t, mustParse(t, env(variable, g.value)), s.field, g.want)
			}
			first := s.good[0]
			expect(t, mustParse(t, env(variable, ""), flag+"="+first.value), s.field, first.want)
			for value, advice := range s.bad {
				refused(t, []string{flag + "=" + value}, env(), flag, quoted(value), advice)
				if value != "" {
					refused(t, nil, env(variable, value), variable, quoted(value), advice)
					expect(t, mustParse(t, env(variable, value), flag+"="+first.value), s.field, first.want)
				}
			}
		})
	}
}

// quoted is how a value stands in an error: an empty one is left out.
func quoted(value string) string {
	if value == "" {
		return ":"
	}
	return quote(value) + ":"
}

// Each setting changes the fields that its sample names and no others, and together they reach all
// of Config: a setting without a sample, and a field without a setting, fail here.
func TestSettingsAreComplete(t *testing.T) {
	covered := map[string]bool{
		"version": true, "help": true, "check": true, "healthcheck": true, "certfile": true, "keyfile": true,
		"admin-user": true, "admin-password-hash": true, "ops-pprof": true, "message-queue": true, "message-queue-optional": true,
		"secret-key": true, "secret-key-file": true, "backend": true, "admin-users-file": true, "admin-read-only": true,
	}
	reached := map[string]bool{ // by TestTLS, TestAdminUI, TestOpsPprof, TestWhatToDo, TestMessageQueue, TestSecretKey, TestSecretKeyFile, TestBackend and TestAdminUsersFile
		"CertFile": true, "KeyFile": true, "AdminUser": true, "AdminPasswordHash": true, "OpsPprof": true,
		"Check": true, "Healthcheck": true, "MessageQueue": true, "MessageQueueOptional": true,
		"SecretKeys": true, "SecretKeyVisible": true, "SecretKeyFile": true, "Backend": true, "AdminUsersFile": true, "AdminReadOnly": true,
	}
	normal := reflect.ValueOf(mustParse(t, env())).Elem()
	for _, s := range samples() {
		covered[s.name] = true
		var changed []string
		for _, g := range s.good {
			v := reflect.ValueOf(mustParse(t, env(), "--"+s.name+"="+g.value)).Elem()
			for i := range v.NumField() {
				name := v.Type().Field(i).Name
				if !v.Type().Field(i).IsExported() {
					continue
				}
				if !reflect.DeepEqual(v.Field(i).Interface(), normal.Field(i).Interface()) && !strings.Contains(strings.Join(changed, ","), name) {
					changed = append(changed, name)
					reached[name] = true
				}
			}
		}
		for _, name := range changed {
			if !strings.Contains(","+s.field+",", ","+name+",") {
				t.Errorf("--%s changes %s", s.name, name)
			}
		}
	}
	for _, s := range Settings() {
		if !covered[s.Name] {
			t.Errorf("--%s has no sample in these tests", s.Name)
		}
		delete(covered, s.Name)
	}
	for name := range covered {
		t.Errorf("--%s is tested but no setting", name)
	}
	for i := range normal.NumField() {
		if field := normal.Type().Field(i); field.IsExported() && !reached[field.Name] {
			t.Errorf("no setting changes Config.%s", field.Name)
		}
	}
}

func TestAnEmptyValueByFlagCounts(t *testing.T) {
	variable := envName("plain-websocket-path")
	expect(t, mustParse(t, env(variable, "/ws"), "--plain-websocket-path="), "PlainWebSocketPath", "")
	expect(t, mustParse(t, env(variable, "/ws"), "--plain-websocket-path", ""), "PlainWebSocketPath", "")
	expect(t, mustParse(t, env(variable, "")), "PlainWebSocketPath", "/")
	expect(t, mustParse(t, env(envName("cors-allowed-origins"), "*"), "--cors-allowed-origins="), "CORSAllowedOrigins", []string(nil))
	expect(t, mustParse(t, env(envName("cookie"), "io"), "--cookie="), "Cookie", "")
}

// The log advises no path that would be refused.
func TestPlainPathTakes(t *testing.T) {
	c := mustParse(t, env(), "--path=a/b")
	for p, want := range map[string]bool{
		"/": true, "/ws": true, "/a": true, "/a/b": false, "/a/b/c": false, "/ws/": false, "ws": false, "": false, "/a*": false, "/..": false, "off": false, "/\n": false,
	} {
		if c.PlainPathTakes(p) != want {
			t.Errorf("the path %q may be advised: %v", p, !want)
		}
		if _, err := Parse([]string{"--path=a/b", "--plain-websocket-path=" + p}, env()); want && err != nil {
			t.Errorf("the path %q may be advised, and is refused: %v", p, err)
		}
	}
}

func TestThePlainPathStaysOutsidePath(t *testing.T) {
	refused(t, []string{"--path", "ws", "--plain-websocket-path", "/ws"}, env(), "--plain-websocket-path", "/ws", "outside --path")
	refused(t, []string{"--path=a"}, env(envName("plain-websocket-path"), "/a/b"), envName("plain-websocket-path"), "outside --path")
	expect(t, mustParse(t, env(), "--path=a/b", "--plain-websocket-path=/a"), "PlainWebSocketPath", "/a")
}

// What to do this time is said by flag alone, and the settings are checked all the same.
func TestWhatToDo(t *testing.T) {
	for flag, field := range map[string]string{"check": "Check", "healthcheck": "Healthcheck"} {
		expect(t, mustParse(t, env()), field, false)
		expect(t, mustParse(t, env(envName(flag), "true")), field, false)
		expect(t, mustParse(t, env(), "--"+flag), field, true)
		refused(t, []string{"--" + flag, "--port=x"}, env(), "--port", `"x"`)
	}
}

func TestAdminUI(t *testing.T) {
	rest := strings.Repeat("./aZ09", 9)[:53]
	hash := "$2b$10$" + rest
	c := mustParse(t, env(envName("admin-password-hash"), hash), "--admin-user", "root")
	expect(t, c, "AdminUser", "root")
	expect(t, c, "AdminPasswordHash", hash)
	expect(t, mustParse(t, env()), "AdminUser", "")
	expect(t, mustParse(t, env(), "--admin-user=root", "--admin-password-hash=$2y$16$"+rest), "AdminMode", AdminProduction)

	refused(t, []string{"--admin-user=root"}, env(), "--admin-user", `"root"`, "--admin-password-hash is missing")
	refused(t, nil, env(envName("admin-password-hash"), hash), envName("admin-password-hash"), "--admin-user is missing")
	for bad, why := range map[string]string{
		"the password itself": "bcrypt hash", hash[:59]: "bcrypt hash", hash + "a": "bcrypt hash", hash[:59] + "!": "bcrypt hash",
		"$2b$17$" + rest: "at most 16", "$2b$03$" + rest: "bcrypt hash", "$5$10$" + rest + "a": "bcrypt hash",
	} {
		args := []string{"--admin-user=root", "--admin-password-hash", bad}
		refused(t, args, env(), "--admin-password-hash", why)
		if _, err := Parse(args, env()); strings.Contains(err.Error(), bad) {
			t.Errorf("the error repeats a secret: %v", err)
		}
	}
}

func TestOpsPprof(t *testing.T) {
	expect(t, mustParse(t, env()), "OpsPprof", false)
	expect(t, mustParse(t, env(), "--ops-pprof", "--ops-addr=9100"), "OpsPprof", true)
	expect(t, mustParse(t, env(envName("ops-pprof"), "yes", envName("ops-addr"), "9100")), "OpsPprof", true)
	expect(t, mustParse(t, env(), "--ops-pprof=no", "--ops-addr=9100"), "OpsPprof", false)
	refused(t, []string{"--ops-pprof"}, env(), "--ops-pprof", "--ops-addr is missing")
	refused(t, []string{"--ops-pprof=maybe"}, env(), "--ops-pprof", "true or false")
}

func FuzzParse(f *testing.F) {
	f.Add("--port", "5000", "8080")
	f.Add("--path=a/b", "--", "")
	f.Add("--cors-allowed-origins=https://a:1/", "--cors_credentials", "x")
	f.Add("--max-backlog", "9 MiB", "-1KB")
	f.Add("-h", "--help", "\x00\n")
	f.Fuzz(func(t *testing.T, first, second, variable string) {
		c, err := Parse([]string{first, second}, func(string) string { return variable })
		if errors.Is(err, ErrHelp) || errors.Is(err, ErrVersion) {
			return
		}
		if err != nil {
			var wrong *Error
			if !errors.As(err, &wrong) || strings.ContainsAny(err.Error(), "\r\n") || len(err.Error()) > 2000 {
				t.Fatalf("not one short line: %q", err)
			}
			return
		}
		if c.Path == "" || c.Path[0] != '/' || c.Port < 0 || c.PingInterval <= 0 || c.MaxBacklog <= 0 || !c.Polling && !c.WebSocket {
			t.Fatalf("accepted %q %q %q as %+v", first, second, variable, c)
		}
	})
}
