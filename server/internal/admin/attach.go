package admin

import (
	"context"
	"time"

	"hipflask/server/internal/inspect"
	"hipflask/server/socketio"
)

// Attach adds the namespace to the server of that view, which has to have been made with
// the hooks of [Admin.Observe], before it serves anybody.
func (a *Admin) Attach(s *socketio.Server, view inspect.View) error {
	a.view, a.space = view, s.Of(Namespace)
	a.space.OnError(func(c *socketio.Context, event string, err error) {
		a.log.Warn("admin command failed", "command", event, "address", c.Request().RemoteAddr, "error", err)
	})
	for event, handler := range map[string]any{
		"connect": a.connect, "disconnect": a.disconnect,
		"join": a.join, "leave": a.leave, "_disconnect": a.cut, "emit": a.emit,
	} {
		if err := a.space.On(event, handler); err != nil {
			return err
		}
	}
	s.Go(a.report)
	return nil
}

// connect lets a UI in. It is a watcher before the sockets are listed, so that it misses
// none.
func (a *Admin) connect(c *socketio.Context, auth socketio.Value) error {
	session, err := a.gate.enter(c.Request().RemoteAddr, auth)
	if err != nil {
		return err
	}
	a.watchers.Add(1)
	if session != "" {
		err = c.Emit("session", session)
	}
	if err == nil {
		err = c.Emit("config", map[string]any{"supportedFeatures": a.features()})
	}
	if err == nil {
		now := a.view.Stats()
		err = c.Emit("server_stats", a.stats(&now, nil))
	}
	if err != nil {
		a.watchers.Add(-1)
	}
	return err
}

func (a *Admin) disconnect() { a.watchers.Add(-1) }

// features names what the UI may offer. The names with an M are for many clients.
func (a *Admin) features() []string {
	list := []string{"EMIT", "JOIN", "LEAVE", "DISCONNECT", "MJOIN", "MLEAVE", "MDISCONNECT"}
	if a.opts.Events {
		list = append(list, "AGGREGATED_EVENTS", "ALL_EVENTS")
	}
	return list
}

// report sends the statistics while somebody is there to see them.
func (a *Admin) report(ctx context.Context) {
	ticker := time.NewTicker(a.opts.StatsInterval)
	defer ticker.Stop()
	var last *inspect.Stats // that a UI was told of; nil while there is none
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if a.isWatched() {
			now := a.view.Stats()
			a.tell("server_stats", a.stats(&now, last))
			a.tellUpgrades()
			last = &now
			continue
		}
		last = nil
		a.mu.Lock()
		clear(a.polling)
		a.mu.Unlock()
	}
}
