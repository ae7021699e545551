package hipflask

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"hipflask/server/flasksession"
	"hipflask/server/internal/assets"
	"hipflask/server/socketio"
)

// App is what an application is registered with, once, before anybody is served. Its Flask
// counterparts are app and socketio.
type App struct {
	SocketIO *socketio.Server // handlers of events; what its Go is given begins once the server listens

	// Router takes the application's routes, as gin does. Middleware of Use runs for the routes
	// that follow, and for the 404 and 405 of paths that nobody serves; not for Socket.IO, files of
	// --static-folder, the backend and the built-in page. An answer may take as long as it likes,
	// while the client reads it. Flask: @app.route.
	Router gin.IRouter

	// Stdout takes what handlers print. They wait for who reads it only when 1 MiB waits already.
	// Flask: print.
	Stdout io.Writer

	// Log is the server's: five lines a second of a message are logged, and values are cut. Flask:
	// app.logger.
	Log *slog.Logger

	// Sessions are Flask's, for routes; nil without a secret key, when nothing is found and nothing
	// can be saved. Their cookie has Flask's default attributes: where the Flask application sets
	// others, such as SESSION_COOKIE_DOMAIN, a program makes its own with flasksession.New. Flask:
	// session.
	Sessions *flasksession.Sessions

	// Context ends when the server is about to: after the last disconnect handler, and before the
	// routes that are still running are waited for. An answer without an end, such as server-sent
	// events, ends with it. Flask has none.
	Context context.Context

	setting    func(name string) string
	onShutdown *shutdownFuncs
}

// Setting returns a setting by its flag's name, such as "backend", as it was written in the flag or
// the variable, or its default. It is empty for those that are secret. Flask: app.config.
func (a *App) Setting(name string) string { return a.setting(name) }

// Files serves the files of a folder of fsys from memory, each at its path, and an index.html at
// its folder's, "/" for the first. They are read once. They are routes of Router, so middleware
// that it was given before runs for them.
//
//	//go:embed page
//	var files embed.FS
//	...
//	err := app.Files(files, "page")
//
// As with --static-folder hidden files are left out, and browsers ask each time whether a file has
// changed, unless middleware has set a Cache-Control; what that saves is sent compressed. Flask:
// static_folder.
func (a *App) Files(fsys fs.FS, dir string) error {
	sub, err := fs.Sub(fsys, dir)
	if err != nil {
		return fmt.Errorf("files of %q: %w", dir, err)
	}
	files, err := assets.Folder(sub)
	if err != nil {
		return fmt.Errorf("files of %q: %w", dir, err)
	}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		if strings.ContainsAny(path, ":*") {
			return fmt.Errorf("files of %q: no route can have the : or * of %q", dir, path)
		}
		a.Router.Match([]string{http.MethodGet, http.MethodHead}, path, gin.WrapH(files[path]))
	}
	return nil
}

// OnShutdown has f run at the end: after the last disconnect handler, the background tasks and the
// routes under way; the function that was given last runs first, as with defer. Together they have
// the last fifth of --shutdown-timeout, which their contexts know. They also run where the server
// did not start, and after --check. Python: atexit.register.
func (a *App) OnShutdown(f func(ctx context.Context)) { a.onShutdown.add(f) }

// Options are what [New] makes a server of.
type Options struct {
	// Args are settings as on the command line, such as --path=chat; nil for none.
	// server/SETTINGS.md lists them. Those of the listener, of TLS, of the log and of
	// --ops-addr have no effect: the http.Server is the caller's.
	Args []string
	// Getenv looks up the settings' environment variables, such as HIPFLASK_PATH; nil for
	// os.Getenv.
	Getenv func(name string) string

	Stdout io.Writer    // of [App]; nil for os.Stdout
	Logger *slog.Logger // nil for slog.Default()
}

// Server is a server without a listener, for programs that have an http.Server of their own. Its
// Flask counterpart is the WSGI application.
type Server struct{ server *server }

// Handler serves everything that go run ./server does: Socket.IO, plain WebSocket clients, the
// application's routes, files, the built-in page. Polling takes about twice the CPU that it takes
// there, since its connections stay the http.Server's. Flask: app.wsgi_app.
func (s *Server) Handler() http.Handler { return s.server.front }

// MetricsHandler serves what /metrics does at --ops-addr: the server's metrics, for Prometheus.
// Flask has none.
func (s *Server) MetricsHandler() http.Handler { return s.server.ops.MetricsHandler() }

// ReadyHandler serves what /readyz does at --ops-addr: 200 while clients should be sent here, 503
// with the reason otherwise. Flask has none.
func (s *Server) ReadyHandler() http.Handler { return s.server.ops.ReadyHandler() }

// Shutdown closes every client, waits until their disconnect handlers have run, ends background
// tasks, runs the functions of [App.OnShutdown], and leaves the cluster. It comes before the
// http.Server's own, which waits for polls that this one answers. When ctx ends first, what is left
// is cut, and an error says so. Flask: socketio.stop().
func (s *Server) Shutdown(ctx context.Context) error {
	s.server.ops.Draining()
	return s.server.close(ctx)
}
