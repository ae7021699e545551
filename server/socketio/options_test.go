package socketio_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"hipflask/server/socketio"
	"hipflask/server/socketio/socketiotest"
	"hipflask/testdata/testkit"
)

// Options that are wrong are named by their fields, and each says so beforehand.
func TestOptionsThatAreWrong(t *testing.T) {
	for field, o := range map[string]socketio.Options{
		"Path":                          {Path: "a//b"},
		"PlainWebSocketPath":            {PlainWebSocketPath: "/socket.io/x"},
		"Transports":                    {Transports: []string{"polling", "pigeon"}},
		"Cookie":                        {Cookie: "a b"},
		"ServerID":                      {ServerID: "a.b"},
		"CORSAllowedOrigins":            {CORSAllowedOrigins: []string{"example.com"}},
		"TrustedProxies":                {TrustedProxies: []string{"proxy.example"}},
		"PingInterval":                  {PingInterval: time.Microsecond},
		"PingTimeout":                   {PingTimeout: -time.Second},
		"ConnectTimeout":                {ConnectTimeout: 48 * time.Hour},
		"UpgradeTimeout":                {UpgradeTimeout: -1},
		"ReadBodyTimeout":               {ReadBodyTimeout: -1},
		"Recovery":                      {Recovery: -time.Second},
		"MaxHTTPBufferSize":             {MaxHTTPBufferSize: -1},
		"MaxBacklog":                    {MaxBacklog: 2 << 30},
		"MaxQueuedEvents":               {MaxQueuedEvents: -1},
		"MaxNamespaces":                 {MaxNamespaces: -1},
		"MaxAttachments":                {MaxAttachments: 20_000},
		"MaxPayloadPackets":             {MaxPayloadPackets: -1},
		"MaxJSONDepth":                  {MaxJSONDepth: 5000},
		"CompressionThreshold":          {CompressionThreshold: -1},
		"MaxConnections":                {MaxConnections: 2_000_000},
		"WebSocketCompressionThreshold": {WebSocketCompressionThreshold: -1},
		"AllowedHosts":                  {AllowedHosts: []string{"no host"}},
		"AttachmentTimeout":             {AttachmentTimeout: -1},
		"MaxMemoryForClients":           {MaxMemoryForClients: 1},
	} {
		err := o.Validate()
		if err == nil || !strings.HasPrefix(err.Error(), "socketio.Options."+field+" ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// Options that are right, each another than its default.
func TestOptionsThatAreRight(t *testing.T) {
	o := socketio.Options{
		Path: "/chat", PlainWebSocketPath: "off", Transports: []string{"websocket"}, NoUpgrades: true, Cookie: "io", ServerID: "a",
		CORSAllowedOrigins: []string{"https://example.com", "http://localhost:3000"}, NoCORSCredentials: true,
		TrustedProxies: []string{"10.0.0.0/8", "unix"}, PingInterval: 90 * time.Second, PingTimeout: 1500 * time.Millisecond,
		ConnectTimeout: time.Hour, UpgradeTimeout: time.Second, ReadBodyTimeout: time.Second, Recovery: time.Minute,
		MaxHTTPBufferSize: 1, MaxBacklog: 1 << 30, MaxQueuedEvents: 1, MaxNamespaces: 1, MaxAttachments: -1, MaxPayloadPackets: 1, MaxJSONDepth: 1,
		MaxMessagesPerSecond: 1, MaxBytesPerSecond: -1, MaxConnections: 1, MaxConnectionsPerAddress: 1, MaxHandshakesPerSecond: -1,
		NoHTTPCompression: true, CompressionThreshold: 1, WebSocketCompression: true, WebSocketCompressionThreshold: 1, AsyncHandlers: true,
		AllowedHosts: []string{"example.com"}, AttachmentTimeout: time.Second, MaxMemoryForClients: 1 << 20,
		SessionValues: func(*http.Request, time.Time) map[string]any { return nil },
		Logger:        slog.Default(), Context: t.Context(),
	}
	v := reflect.ValueOf(o)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("%s is not among them", v.Type().Field(i).Name)
		}
	}
	if err := errors.Join(o.Validate(), socketio.Options{}.Validate()); err != nil {
		t.Error(err)
	}
}

// A server of wrong options takes no handler and serves nobody, and the log says why.
func TestServerOfWrongOptions(t *testing.T) {
	log := new(journal)
	s := socketio.New(socketio.Options{PingTimeout: -1, Logger: slog.New(slog.NewTextHandler(log, nil))})
	defer func() { _ = s.Shutdown(limit(t)) }()
	for _, err := range []error{s.On("message", func() {}), s.Of("/chat").On("message", func() {}), s.Handle(new(wrongly))} {
		if err == nil || !strings.Contains(err.Error(), "PingTimeout") {
			t.Errorf("On returned %v", err)
		}
	}
	for _, path := range []string{"/socket.io/?EIO=4&transport=polling", "/socket.io/socket.io.js", "/socket.io/"} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != 500 || strings.Contains(w.Body.String(), "PingTimeout") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	w := httptest.NewRecorder()
	s.ServePlain(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != 500 {
		t.Errorf("a plain client is answered %d", w.Code)
	}
	if n := strings.Count(log.String(), "PingTimeout"); n != 1 {
		t.Errorf("%d lines in the log, want 1:\n%s", n, log.String())
	}
}

// What is refused is in the log with the option that would change it, and no flag: who uses
// this package has none.
func TestLogNamesOptions(t *testing.T) {
	log := new(journal)
	s := socketio.New(socketio.Options{Transports: []string{"websocket"}, MaxConnections: 1, Logger: slog.New(slog.NewTextHandler(log, nil))})
	defer func() { _ = s.Shutdown(limit(t)) }()
	for target, header := range map[string]http.Header{
		"/socket.io/?EIO=4&transport=polling":   {},
		"/socket.io/?EIO=4&transport=websocket": {"Origin": {"https://a.example"}},
		"/socket.io/?EIO=5&transport=websocket": {"Connection": {"Upgrade"}, "Upgrade": {"websocket"}},
	} {
		r := httptest.NewRequest("GET", target, nil)
		r.Header = header
		s.ServeHTTP(httptest.NewRecorder(), r)
	}
	text := log.String()
	for _, part := range []string{
		`cause=transport hint="socketio.Options.Transports allows`,
		"socketio.Options.CORSAllowedOrigins=https://a.example would allow it; ", "socketio.Options.TrustedProxies",
		`cause="protocol version" hint="clients 1.x`,
	} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in the log\n%s", part, text)
		}
	}
	if strings.Contains(text, "--") {
		t.Errorf("the log names a flag:\n%s", text)
	}
}

type wrongly struct{}

func (*wrongly) OnMessage() {}

// Background tasks end with the context of the options, too, and get its values.
func TestContextOfTheOptions(t *testing.T) {
	type key struct{}
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "value"))
	s := socketiotest.NewServer(t, socketio.Options{Context: ctx})
	ended := make(chan any)
	s.Go(func(ctx context.Context) { <-ctx.Done(); ended <- ctx.Value(key{}) })
	cancel()
	if got := testkit.Await(t, ended, "end of the task"); got != "value" {
		t.Errorf("the context's value is %v", got)
	}
}
