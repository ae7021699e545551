package websocket

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"hipflask/testdata/testkit"
)

func TestIsUpgrade(t *testing.T) {
	for _, tt := range []struct {
		connection, upgrade []string
		want                bool
	}{
		{[]string{"Upgrade"}, []string{"websocket"}, true},
		{[]string{"keep-alive, upgrade"}, []string{"WebSocket"}, true},
		{[]string{"keep-alive ,\tUPGRADE "}, []string{"h2c, websocket"}, true},
		{[]string{"keep-alive", "Upgrade"}, []string{"h2c", "websocket"}, true},
		{[]string{"upgraded"}, []string{"websocket"}, false},
		{[]string{"Upgrade"}, []string{"websockets"}, false},
		{[]string{"Upgrade"}, nil, false},
		{nil, []string{"websocket"}, false},
		{nil, nil, false},
	} {
		r := &http.Request{Header: http.Header{"Connection": tt.connection, "Upgrade": tt.upgrade}}
		if got := IsUpgrade(r); got != tt.want {
			t.Errorf("Connection %q, Upgrade %q: %v", tt.connection, tt.upgrade, got)
		}
	}
}

func TestHandshakeRefused(t *testing.T) {
	s := newServer(t, (*httptest.Server).Start)
	const (
		method     = "GET /socket.io/ HTTP/1.1"
		upgrade    = "Upgrade: websocket"
		connection = "Connection: Upgrade"
		key        = "Sec-WebSocket-Key: " + testKey
		version    = "Sec-WebSocket-Version: 13"
	)
	for name, tt := range map[string]struct {
		replace map[string]string
		status  int
	}{
		"POST":                 {map[string]string{method: "POST / HTTP/1.1\r\nContent-Length: 0"}, 405},
		"POST with a body":     {map[string]string{method: "POST / HTTP/1.1\r\nContent-Length: 5"}, 405},
		"HEAD":                 {map[string]string{method: "HEAD / HTTP/1.1"}, 405},
		"HTTP/1.0":             {map[string]string{method: "GET / HTTP/1.0"}, 400},
		"no upgrade":           {map[string]string{upgrade: ""}, 400},
		"upgrade to h2c":       {map[string]string{upgrade: "Upgrade: h2c"}, 400},
		"no connection":        {map[string]string{connection: ""}, 400},
		"connection close":     {map[string]string{connection: "Connection: close"}, 400},
		"no version":           {map[string]string{version: ""}, 426},
		"version 8":            {map[string]string{version: "Sec-WebSocket-Version: 8"}, 426},
		"two versions":         {map[string]string{version: version + "\r\n" + version}, 426},
		"list of versions":     {map[string]string{version: "Sec-WebSocket-Version: 13, 8"}, 426},
		"no key":               {map[string]string{key: ""}, 400},
		"empty key":            {map[string]string{key: "Sec-WebSocket-Key:"}, 400},
		"two keys":             {map[string]string{key: key + "\r\n" + key}, 400},
		"short key":            {map[string]string{key: "Sec-WebSocket-Key: aGVsbG8="}, 400},
		"key of 17 bytes":      {map[string]string{key: "Sec-WebSocket-Key: MTIzNDU2Nzg5MDEyMzQ1Njc="}, 400},
		"key not in base64":    {map[string]string{key: "Sec-WebSocket-Key: ========================"}, 400},
		"body":                 {map[string]string{version: version + "\r\nContent-Length: 3"}, 400},
		"body of unknown size": {map[string]string{version: version + "\r\nTransfer-Encoding: chunked"}, 400},
	} {
		t.Run(name, func(t *testing.T) {
			nc := connect(t, s.Listener.Addr())
			defer nc.Close()
			if err := nc.SetDeadline(time.Now().Add(testkit.Deadline)); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(nc, request(tt.replace)); err != nil {
				t.Fatal(err)
			}
			method := http.MethodGet
			if name == "HEAD" {
				method = name
			}
			resp, err := http.ReadResponse(bufio.NewReader(nc), &http.Request{Method: method})
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != tt.status {
				t.Fatalf("status %d, want %d", resp.StatusCode, tt.status)
			}
			if n, _ := io.Copy(io.Discard, resp.Body); method == http.MethodGet && n == 0 {
				t.Error("the refusal has no body")
			}
			if got := resp.Header.Get("Sec-WebSocket-Version"); (got == "13") != (tt.status == 426) {
				t.Errorf("Sec-WebSocket-Version: %q with status %d", got, tt.status)
			}
			var refused *HandshakeError
			if err := <-s.ends; !errors.As(err, &refused) || refused.Status != tt.status {
				t.Errorf("Upgrade returned %v", err)
			}
		})
	}
}

func TestHandshakeLists(t *testing.T) {
	s := newServer(t, (*httptest.Server).Start)
	nc := connect(t, s.Listener.Addr())
	defer nc.Close()
	_, err := io.WriteString(nc, request(map[string]string{
		"Connection: Upgrade": "Connection: keep-alive, upgrade", "Upgrade: websocket": "Upgrade: WebSocket",
	}))
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := http.ReadResponse(bufio.NewReader(nc), nil); err != nil || resp.StatusCode != 101 {
		t.Fatalf("%v, %v", resp, err)
	}
}

// A wrapped ResponseWriter can be taken over, extra headers arrive, and none of them can break the
// response.
func TestHandshakeHeaderThroughGin(t *testing.T) {
	gin.SetMode(gin.TestMode)
	engine := gin.New()
	ends := make(chan error, 1)
	engine.GET("/socket.io/", func(g *gin.Context) {
		c, err := new(Upgrader).Upgrade(g.Writer, g.Request, http.Header{
			"Set-Cookie": {"io=1"}, "X-Split": {"a\r\nX-Forged: 1"}, "Sec-Websocket-Accept": {"wrong"},
			"Sec-Websocket-Protocol": {"chat"}, "Content-Length": {"5"},
		}, nil)
		if err != nil {
			ends <- err
			return
		}
		go func() { ends <- serveEcho(c, nil) }()
	})
	s := httptest.NewServer(engine)
	defer s.Close()
	nc := connect(t, s.Listener.Addr())
	defer nc.Close()
	if _, err := io.WriteString(nc, request(nil)); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(nc)
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"Set-Cookie": "io=1", "X-Split": "a  X-Forged: 1", "X-Forged": "", "Sec-Websocket-Protocol": "chat",
		"Sec-Websocket-Accept": AcceptKey(testKey), "Content-Length": "", "Upgrade": "websocket", "Connection": "Upgrade",
	} {
		if got := strings.Join(resp.Header[name], "|"); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	c := &client{&testkit.WebSocket{Conn: nc, Buffered: r}}
	c.send(t, join(final(Text, "hello"), closing(1000, "")))
	c.expect(t, Text, []byte("hello"))
	c.expectClose(t, 1000)
	c.Close()
	if err := <-ends; err == nil {
		t.Error("reading ended with nil")
	}
}

func TestHandshakeWithoutHijack(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header = http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"},
		"Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {testKey},
	}
	w := httptest.NewRecorder()
	if _, err := new(Upgrader).Upgrade(w, r, nil, nil); !errors.Is(err, http.ErrNotSupported) || w.Code != 500 {
		t.Fatalf("status %d, %v", w.Code, err)
	}
}
