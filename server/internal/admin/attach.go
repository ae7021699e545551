package admin

import (
	"context"
	"slices"
	"time"

	"hipflask/server/internal/inspect"
	"hipflask/server/internal/users"
	"hipflask/server/socketio"
)

// Attach adds the namespace to the server of that view, which has to have been made with the hooks
// of [Admin.Observe], before it serves anybody.
func (a *Admin) Attach(s *socketio.Server, view inspect.View) error {
	a.view, a.space, a.aside = view, s.Of(Namespace), s.Go
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
	if a.share != nil {
		a.space.OnServers(sharedEvent, a.heard)
		s.Go(a.send)
	}
	s.Go(a.report)
	return nil
}

// connect lets a UI in. It is a watcher before the sockets are listed, so that it misses none.
func (a *Admin) connect(c *socketio.Context, auth socketio.Value) error {
	user, session, err := a.logins.enter(c.Context(), c.Request().RemoteAddr, auth)
	if err != nil {
		return err
	}
	a.add(c, user)
	if !a.logins.stands(user) { // the users were read anew meanwhile, and this one not seen
		err = socketio.Refuse(invalid)
	}
	if err == nil && session != "" {
		err = c.Emit("session", session)
	}
	if err == nil {
		err = c.Emit("config", map[string]any{"supportedFeatures": a.features(!a.mayAct(user))})
	}
	if err == nil {
		now := a.view.Stats()
		err = c.Emit("server_stats", a.stats(&now, nil))
	}
	if err != nil {
		a.disconnect(c)
	}
	return err
}

func (a *Admin) add(c *socketio.Context, user users.User) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.uis[c.ID()] = ui{user, c}
	a.watchers.Store(int32(len(a.uis)))
}

func (a *Admin) disconnect(c *socketio.Context) {
	a.mu.Lock()
	delete(a.uis, c.ID())
	a.watchers.Store(int32(len(a.uis)))
	a.mu.Unlock()
	a.announce()
}

// mayAct reports whether a user may change anything.
func (a *Admin) mayAct(user users.User) bool { return !user.ReadOnly && !a.opts.ReadOnly }

// features names what the UI may offer. The names with an M are for many clients.
func (a *Admin) features(readOnly bool) []string {
	list := []string{}
	if !readOnly {
		list = append(list, "EMIT", "JOIN", "LEAVE", "DISCONNECT", "MJOIN", "MLEAVE", "MDISCONNECT")
	}
	if a.opts.Events {
		list = append(list, "AGGREGATED_EVENTS", "ALL_EVENTS")
	}
	return list
}

// report sends the statistics while somebody is there to see them, and reads the users again.
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
		a.readUsers()
		a.forgetOthers(time.Now())
		a.lookAtNode(ctx)
		if a.isWatched() {
			now := a.view.Stats()
			a.tell("server_stats", a.stats(&now, last))
			a.tellUpgrades()
			last = &now
			if a.watchers.Load() > 0 {
				a.announce()
			}
			continue
		}
		last = nil
		a.mu.Lock()
		clear(a.polling)
		a.mu.Unlock()
	}
}

// readUsers reads who may log in. Whoever may not any more, or not as before, has to leave.
func (a *Admin) readUsers() {
	all, err := a.opts.Users()
	switch {
	case err != nil:
		if a.reading.wrong != err.Error() {
			a.log.Warn("the admin users stay as they were", "error", err)
		}
		a.reading.wrong = err.Error()
		return
	case slices.Equal(all, a.reading.last):
		a.reading.wrong = ""
		return
	}
	a.reading.last, a.reading.wrong = all, ""
	a.logins.replace(all)
	a.log.Info("admin users loaded", "users", len(all))
	for _, u := range a.connectedUIs() {
		if !a.logins.stands(u.user) {
			u.context.Disconnect()
		}
	}
}

func (a *Admin) connectedUIs() (list []ui) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, u := range a.uis {
		list = append(list, u)
	}
	return list
}
