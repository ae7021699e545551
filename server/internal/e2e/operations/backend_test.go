package operations

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"hipflask/server/hipflask"
	"hipflask/server/internal/e2e/harness"
	"hipflask/server/socketio"
	"hipflask/testdata/testkit"
)

// With a backend, what is neither Socket.IO nor a route is the backend's: its page, its 404 and
// 405, its WebSockets, without a header of this server's.
func TestBackend(t *testing.T) {
	pages := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Set-Cookie", "session=theirs")
		http.Error(w, r.Method+" "+r.RequestURI+" "+r.Host, http.StatusTeapot)
	}))
	defer pages.Close()
	s := harness.StartApp(t, func(app *hipflask.App) error {
		app.Router.GET("/ours", func(c *gin.Context) { c.String(http.StatusOK, "ours") })
		return app.SocketIO.On("message", func(c *socketio.Context, v socketio.Value) error { return app.SocketIO.Emit("message", v) })
	}, "--backend", pages.URL, "--ops-addr", "0")

	p := testkit.JoinPolling(t, s.Addr, 4)
	p.Chats("beside a backend")
	p.Leave()
	if got := testkit.Ask(t, s.Addr, http.MethodGet, "/ours", nil, ""); got.Status != http.StatusOK || got.Body != "ours" {
		t.Errorf("a route: %v", got)
	}
	for _, target := range []string{"/", "/a%2Fb//c?x=1&y", "/style.css", "/ours/beneath"} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
			resp := request(t, method, s.URL+target)
			if text := testkit.ReadBody(t, resp, nil); resp.StatusCode != http.StatusTeapot || strings.TrimSpace(text) != method+" "+target+" "+s.Addr ||
				resp.Header.Get("Set-Cookie") != "session=theirs" || resp.Header.Get("X-Content-Type-Options") != "nosniff" { // which http.Error sets, there
				t.Errorf("%s %s: %d %q", method, target, resp.StatusCode, text)
			}
		}
	}
	resp := request(t, http.MethodPost, s.URL+"/ours")
	if testkit.ReadBody(t, resp, nil); resp.StatusCode != http.StatusTeapot {
		t.Errorf("another method of a route: %d", resp.StatusCode)
	}
	if got := testkit.Ask(t, s.Addr, http.MethodGet, "/socket.io/none.js", nil, ""); got.Status != http.StatusNotFound {
		t.Errorf("beneath Socket.IO's path: %v", got)
	}
	addr := s.Stderr.WaitMatch(t, harness.OpsAddress)[1]
	if metrics := testkit.Get(t, "http://"+addr+"/metrics"); !strings.Contains(metrics, "hipflask_backend_requests_total 13") {
		t.Errorf("the metrics have no 13 requests")
	}
	pages.Close()
	resp = request(t, http.MethodGet, s.URL+"/")
	if testkit.ReadBody(t, resp, nil); resp.StatusCode != http.StatusBadGateway {
		t.Errorf("a backend that is away: %d", resp.StatusCode)
	}
	s.Stderr.WaitText(t, "--backend")
	if got := harness.OpsGet(t, addr, "/readyz"); got.Status != http.StatusOK {
		t.Errorf("readiness without the backend: %d", got.Status)
	}
	s.End()
}

// A 404 of the backend that has no body is whole as it is, and the connection goes on.
func TestBackendNotFoundWithoutABody(t *testing.T) {
	pages := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Type"] = nil
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusNotFound)
	}))
	defer pages.Close()
	s := harness.Start(t, "--backend", pages.URL)
	request := "GET /none HTTP/1.1\r\nHost: " + s.Addr + "\r\n\r\n"
	conn := testkit.BeginRequest(t, s.Addr, request+request)
	br := bufio.NewReader(conn)
	for range 2 {
		got, err := testkit.ReadAnswer(conn, br, http.MethodGet)
		if err != nil {
			t.Fatal(err)
		}
		if got.Status != http.StatusNotFound || got.Body != "" || len(got.Header.Values("Content-Type")) > 0 {
			t.Errorf("%v", got)
		}
	}
}

// request makes a request of a client that stays until it is answered.
func request(t *testing.T, method, url string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// A backend that is this server itself is an error at the start.
func TestBackendThatIsThisServer(t *testing.T) {
	port := testkit.FreePort(t)
	err := harness.Run(t.Context(), []string{"--port", port, "--backend", "http://localhost:" + port}, harness.NoEnv, testkit.NewOutput(), testkit.NewOutput())
	if hipflask.ExitCode(err) != 2 || !strings.Contains(err.Error(), "--backend") {
		t.Errorf("got %v", err)
	}
}
