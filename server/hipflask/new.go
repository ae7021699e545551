package hipflask

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"os"

	"hipflask/server/internal/config"

	"github.com/gin-gonic/gin"
)

// New makes a server, registers the application and, with --message-queue, joins the cluster, for
// which ctx may set a limit. Background tasks begin with its return. After an error there is
// nothing to shut down.
//
//	s, err := hipflask.New(ctx, hipflask.Options{}, register)
//	...
//	web := &http.Server{Addr: ":5000", Handler: s.Handler()}
//	...
//	err = errors.Join(s.Shutdown(ctx), web.Shutdown(ctx))
//
// The http.Server's ReadTimeout and WriteTimeout hold for routes and files; Socket.IO sets its own
// per request. Flask: SocketIO(app).
func New(ctx context.Context, opts Options, register func(*App) error) (*Server, error) {
	if opts.Getenv == nil {
		opts.Getenv = os.Getenv
	}
	if opts.Stdout == nil {
		opts.Stdout = os.Stdout
	}
	opts.Logger = cmp.Or(opts.Logger, slog.Default())
	cfg, err := config.Parse(opts.Args, opts.Getenv)
	switch {
	case err != nil:
		return nil, err
	case cfg.Check, cfg.Healthcheck:
		return nil, errors.New("--check and --healthcheck are for hipflask.Main")
	}
	mode := gin.Mode()
	gin.SetMode(gin.ReleaseMode) // else gin prints the routes on stdout
	defer gin.SetMode(mode)
	a, err := wire(cfg, opts.Logger, opts.Stdout, register, true)
	if err != nil {
		return nil, err
	}
	if err := a.joinCluster(ctx); err != nil {
		return nil, errors.Join(err, a.giveUp())
	}
	a.startForwarding(ctx, nil)
	a.ops.Started()
	a.view.Begin()
	return &Server{a}, nil
}
