package hipflask

import (
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"

	"github.com/gin-gonic/gin"

	"hipflask/server/internal/websocket"
	"hipflask/static"
)

// routes lists every path there is.
func (a *server) routes() (http.Handler, error) {
	page, err := static.Page(a.cfg.Path)
	if err != nil {
		return nil, err
	}
	bundles, err := static.Client()
	if err != nil {
		return nil, err
	}
	gin.SetMode(gin.ReleaseMode) // else gin prints its routes on stdout
	r := gin.New()
	r.RedirectTrailingSlash = false // a redirect would lose the body of a POST
	r.RedirectFixedPath = false
	r.HandleMethodNotAllowed = true
	r.Use(recovery(a.log), unreadBody, noGuessing, a.calledByName)
	r.NoRoute(func(c *gin.Context) { a.door.Lost(c.Request) })

	// Engine.IO, with and without the slash that clients put at its end.
	r.Any(a.cfg.Path, gin.WrapH(a.sio))
	r.Any(a.cfg.Path+"/", gin.WrapH(a.sio))
	for _, file := range static.ClientFiles() {
		r.Match(readMethods(), a.cfg.Path+"/"+file, shared, gin.WrapH(bundles))
	}

	// The page. A plain WebSocket may be opened at one of its paths, or is refused there.
	plain := a.cfg.PlainWebSocketPath
	for _, path := range static.Paths() {
		r.Match(readMethods(), path, gin.WrapH(pageOr(page, a.sio.ServePlain)))
	}
	if plain != "" && !slices.Contains(static.Paths(), plain) {
		r.GET(plain, gin.WrapF(a.sio.ServePlain))
	}
	return r, nil
}

// shared lets pages of any origin import the client bundles, which are public.
func shared(c *gin.Context) { c.Header("Access-Control-Allow-Origin", "*") }

func readMethods() []string { return []string{http.MethodGet, http.MethodHead} }

// pageOr serves the page, and what asks for a WebSocket with plain.
func pageOr(page http.Handler, plain http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if websocket.IsUpgrade(r) {
			plain(w, r)
			return
		}
		page.ServeHTTP(w, r)
	})
}

// unreadBody makes a connection end with its response, unless the handler reads
// the body and takes that back: net/http would otherwise wait for a body that
// nobody wants before it answers.
func unreadBody(c *gin.Context) {
	if c.Request.ContentLength != 0 {
		c.Header("Connection", "close")
	}
}

// noGuessing has browsers take every response for what it says it is: much of it is
// what clients have sent.
func noGuessing(c *gin.Context) { c.Header("X-Content-Type-Options", "nosniff") }

// recovery answers a request whose handler panicked and logs why.
func recovery(log *slog.Logger) gin.HandlerFunc {
	return func(c *gin.Context) {
		defer func() {
			if p := recover(); p != nil {
				log.Error("request failed", "path", c.Request.URL.Path, "panic", p, "stack", string(debug.Stack()))
				c.AbortWithStatus(http.StatusInternalServerError)
			}
		}()
		c.Next()
	}
}
