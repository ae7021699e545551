package hipflask

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
)

// pages makes a static folder.
func pages(t *testing.T, names ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, name := range names {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("file "+name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// routed is an application with a few routes.
func routed(app *App) error {
	says := func(what string) gin.HandlerFunc { return func(c *gin.Context) { c.String(200, "route "+what) } }
	app.Router.GET("/rooms/:name", says("room"))
	app.Router.POST("/rooms/:name", says("post"))
	app.Router.GET("/both.txt", says("both"))
	app.Router.PUT("/file.txt", says("put"))
	app.Router.GET("/:top", says("top")) // takes /socket.io as well, which is not asked
	return nil
}

// behind is a backend that says what it was asked for.
var behind = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	_, _ = fmt.Fprint(w, "backend ", r.Method, " ", r.URL.Path) // without WriteHeader
})

// opening is refused by Engine.IO itself, and so leaves no session behind.
const opening = "/socket.io/?EIO=9&transport=polling"

// Who answers, one after the other.
func TestWhoAnswers(t *testing.T) {
	dir := pages(t, "index.html", "file.txt", "both.txt", "rooms/there.txt", "socket.io/x.txt", "docs/index.html")
	upgrade := []string{"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="}
	for _, test := range []struct {
		name, method, path string
		header             []string
		alone, with        string // how the answer begins without and with a backend
	}{
		{"Socket.IO", "GET", opening, nil, `400 {"code":5`, `400 {"code":5`},
		{"Socket.IO without its slash", "GET", "/socket.io?EIO=9&transport=polling", nil, `400 {"code":5`, `400 {"code":5`},
		{"another method of Socket.IO", "DELETE", "/socket.io/", nil, "405 Method", "405 Method"},
		{"bundle", "GET", "/socket.io/socket.io.js", nil, "200 /*!", "200 /*!"},
		{"beneath Socket.IO", "GET", "/socket.io/x.txt", nil, `400 {"code":0`, `400 {"code":0`},
		{"another slash", "GET", "/socket.io//?EIO=9&transport=polling", nil, `400 {"code":5`, `400 {"code":5`},
		{"bundle behind another slash", "GET", "/socket.io//socket.io.js", nil, "200 /*!", "200 /*!"},
		{"script beneath Socket.IO", "GET", "/socket.io/elsewhere.js", nil, "404 404", "404 404"},
		{"map beneath Socket.IO", "GET", "/socket.io/1/x.js.map", nil, "404 404", "404 404"},
		{"beside Socket.IO", "GET", "/socket.iox", nil, "200 route top", "200 route top"},
		{"plain WebSocket", "GET", "/", upgrade, "101 ", "101 "},
		{"WebSocket of nobody", "GET", "/docs/index.html", upgrade, "404 404", "200 backend GET /docs/index.html"},
		{"route", "GET", "/rooms/a", nil, "200 route room", "200 route room"},
		{"route before a file", "GET", "/both.txt", nil, "200 route both", "200 route both"},
		{"route for all", "GET", "/anything", nil, "200 route top", "200 route top"},
		{"file", "GET", "/docs/", nil, "200 file docs/index.html", "200 file docs/index.html"},
		{"file's head", "HEAD", "/file.txt", nil, "200 ", "200 "},
		{"root", "GET", "/", nil, "200 file index.html", "200 file index.html"},
		{"another method of a route", "DELETE", "/rooms/a", nil, "405 405 method not allowed [GET, POST]", "200 backend DELETE /rooms/a"},
		{"another method of a file", "POST", "/docs/index.html", nil, "405 405 method not allowed [GET, HEAD]", "200 backend POST /docs/index.html"},
		{"another method of both", "DELETE", "/file.txt", nil, "405 405 method not allowed [GET, HEAD, PUT]", "200 backend DELETE /file.txt"},
		{"a folder without its slash", "GET", "/docs/more/", nil, "404 404 page not found", "200 backend GET /docs/more/"},
		{"outside", "GET", "/docs/../../x", nil, "404 404 page not found", "200 backend GET /docs/../../x"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, backend := range []http.Handler{nil, behind} {
				r := start(t, routed, func(a *server) { a.front.backend = backend }, "--static-folder", dir)
				want := test.alone
				if backend != nil {
					want = test.with
				}
				got := r.upgradeOrAsk(t, test.method, test.path, test.header)
				said := fmt.Sprint(got.status, " ", got.body)
				if allow := got.header.Get("Allow"); got.status == 405 && strings.HasPrefix(got.body, "405") {
					said += " [" + allow + "]"
				} else if got.status == 200 && allow != "" {
					t.Errorf("Allow is %s", allow)
				}
				if !strings.HasPrefix(said, want) {
					t.Errorf("backend %v: answered %.100q, want %q", backend != nil, said, want)
				}
			}
		})
	}
}

// upgradeOrAsk asks without reading what has no end.
func (r *running) upgradeOrAsk(t *testing.T, method, path string, header []string) reply {
	t.Helper()
	req, err := http.NewRequest(method, r.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return reply{status: resp.StatusCode, header: resp.Header}
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, strings.TrimSpace(string(body))}
}

// The built-in page is the last to answer, and can be switched off.
func TestThePageIsLast(t *testing.T) {
	own := func(app *App) error {
		app.Router.GET("/app.js", func(c *gin.Context) { c.String(200, "mine") })
		return nil
	}
	r := start(t, own, nil)
	if got := r.ask(t, "GET", "/"); got.status != 200 || !strings.Contains(got.header.Get("Content-Security-Policy"), "default-src") {
		t.Errorf("/: %v", got)
	}
	if got := r.ask(t, "GET", "/app.js"); got.body != "mine" || got.header.Get("X-Content-Type-Options") != "" {
		t.Errorf("/app.js: %v", got)
	}
	if got := r.ask(t, "PUT", "/style.css"); got.status != 405 || got.header.Get("Allow") != "GET, HEAD" {
		t.Errorf("PUT /style.css: %v", got)
	}
	for _, args := range [][]string{{"--page=false"}, {"--static-folder", pages(t, "x.txt")}} {
		r := start(t, own, nil, args...)
		for _, path := range []string{"/", "/style.css"} {
			if got := r.ask(t, "GET", path); got.status != 404 {
				t.Errorf("%v %s: %d", args, path, got.status)
			}
		}
		if got := r.ask(t, "GET", "/socket.io/socket.io.min.js"); got.status != 200 || got.header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%v: the bundle is answered %d", args, got.status)
		}
	}
}

// Middleware is run for routes and for what nobody serves, not for what others answer.
func TestMiddleware(t *testing.T) {
	seen := make(chan string, 100)
	r := start(t, func(app *App) error {
		app.Router.Use(func(c *gin.Context) {
			seen <- c.Request.URL.Path
			if c.Request.Method == http.MethodOptions { // as middleware for CORS does
				c.AbortWithStatus(http.StatusNoContent)
			}
		})
		app.Router.GET("/route", func(c *gin.Context) { c.Status(200) })
		return nil
	}, nil, "--static-folder", pages(t, "file.txt"))
	for _, ask := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/route", 200}, {"GET", "/nothing", 404}, {"POST", "/route", 405}, {"OPTIONS", "/route", 204},
		{"GET", "/file.txt", 200}, {"GET", opening, 400}, {"GET", "/socket.io/socket.io.js", 200}, {"GET", "/socket.io/nothing.js", 404},
	} {
		if got := r.ask(t, ask.method, ask.path); got.status != ask.status {
			t.Errorf("%s %s: %d, want %d", ask.method, ask.path, got.status, ask.status)
		}
	}
	close(seen)
	var all []string
	for path := range seen {
		all = append(all, path)
	}
	if want := []string{"/route", "/nothing", "/route", "/route"}; !slices.Equal(all, want) {
		t.Errorf("run for %v, want %v", all, want)
	}
}

// A panic of a route costs its request: 500, or an answer that visibly ends too early.
func TestPanicsOfRoutes(t *testing.T) {
	r := start(t, func(app *App) error {
		app.Router.GET("/before", func(*gin.Context) { panic("before") })
		app.Router.GET("/within", func(c *gin.Context) {
			_, _ = c.Writer.WriteString("the beginning")
			c.Writer.Flush()
			panic("within")
		})
		app.Router.GET("/quiet", func(*gin.Context) { panic(http.ErrAbortHandler) })
		return nil
	}, nil)
	const many = 50
	for range many {
		if got := r.ask(t, "GET", "/before"); got.status != 500 || strings.Contains(got.body, "before") {
			t.Fatalf("answered %v", got)
		}
	}
	for _, path := range []string{"/within", "/quiet"} {
		resp, err := http.Get(r.url + path)
		if err == nil {
			_, err = io.ReadAll(resp.Body)
			resp.Body.Close()
		}
		if err == nil {
			t.Errorf("%s looks like a whole answer", path)
		}
	}
	r.stop(t)
	log := r.log.String()
	if n := strings.Count(log, "request failed"); n < 1 || n > many/2 || strings.Contains(log, "/quiet") {
		t.Errorf("%d lines:\n%.2000s", n, log)
	}
}

// A client's address is what Socket.IO believes.
func TestClientIP(t *testing.T) {
	tell := func(app *App) error {
		app.Router.GET("/ip", func(c *gin.Context) { c.String(200, c.ClientIP()) })
		return nil
	}
	forged := []string{"X-Forwarded-For", "192.0.2.1", "X-Real-IP", "192.0.2.2"}
	if got := start(t, tell, nil).ask(t, "GET", "/ip", forged...); got.body != "127.0.0.1" {
		t.Errorf("without proxies: %s", got.body)
	}
	if got := start(t, tell, nil, "--trusted-proxies", "127.0.0.1").ask(t, "GET", "/ip", forged...); got.body != "192.0.2.1" {
		t.Errorf("behind a proxy: %s", got.body)
	}
}
