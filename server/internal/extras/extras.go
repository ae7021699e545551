// Package extras owns what package hipflask gives a Socket.IO server beyond its public options:
// types that programs of one's own have no use for and cannot name. It travels as a value of the
// context in those options, as net/http/httptrace's does.
package extras

import (
	"context"
	"net/http"

	"hipflask/server/internal/budget"
	"hipflask/server/internal/capacity"
	"hipflask/server/internal/config"
	"hipflask/server/internal/fanout"
	"hipflask/server/internal/inspect"
)

// Extras are the additions. Nil fields are left out.
type Extras struct {
	Settings *config.Config // in place of the public options, which are these in another form
	Hooks    inspect.Hooks  // told what happens
	Peers    fanout.Peers   // the other servers of a cluster

	// Elsewhere answers requests for sessions of other servers, see engineio.Config, whose ids do
	// not begin with ServerID as those of this one do.
	Elsewhere func(w http.ResponseWriter, r *http.Request, sid string) bool
	Alive     func(server string) bool // whether that one still is there
	ServerID  string

	// What all clients together may use, and the memory that they hold of it.
	Capacity *capacity.Capacity
	Memory   *budget.Budget

	// View is called once, with the view of the server that is made.
	View func(inspect.View)

	// HoldTasks keeps background tasks back until the view's Begin is called.
	HoldTasks bool
}

type key struct{}

// With returns a context that carries the additions.
func With(ctx context.Context, e Extras) context.Context { return context.WithValue(ctx, key{}, e) }

// From returns what the context carries; nil is a context without any.
func From(ctx context.Context) Extras {
	if ctx == nil {
		return Extras{}
	}
	e, _ := ctx.Value(key{}).(Extras)
	return e
}
