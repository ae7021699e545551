package hipflask

import (
	"github.com/prometheus/client_golang/prometheus"

	"hipflask/server/internal/admin"
	"hipflask/server/internal/cluster/keyring"
	"hipflask/server/internal/cluster/redislink"
	"hipflask/server/internal/config"
	"hipflask/server/internal/ops"
	"hipflask/server/internal/packet"
)

// newAdmin makes the Admin UI's side, nil if it is switched off.
func (a *server) newAdmin() (*admin.Admin, error) {
	if a.cfg.AdminUser == "" && a.cfg.AdminUsersFile == "" {
		return nil, nil
	}
	if readableByOthers(a.cfg.AdminUsersFile) {
		a.log.Warn("everybody on this machine can read the hashes of the admin users' passwords",
			"setting", "--admin-users-file", "hint", "chmod 600")
	}
	opts := admin.Options{
		Users:    a.cfg.AdminUsers,
		ReadOnly: a.cfg.AdminReadOnly,
		Events:   a.cfg.AdminMode == config.AdminDevelopment,
		Logger:   a.log,
		ServerID: a.cfg.ServerID,
	}
	var redis *redislink.URL
	if a.cfg.MessageQueue != "" {
		var err error
		if redis, err = redislink.Parse(a.cfg.MessageQueue); err != nil {
			return nil, a.cfg.Fault("message-queue", err.Error())
		}
		opts.Servers = func() int { return int(a.cluster.Stats().Servers) }
	}
	a.signer = keyring.NewSigner(redis, a.cfg.ClusterPrefix+":admin-key", "admin session")
	opts.Sign = a.signer
	return admin.New(opts)
}

// takesForAdmin has what other servers emit in the Admin UI's namespace.
func (a *server) takesForAdmin() map[string]func(string, []packet.Value) error {
	if a.ui == nil {
		return nil
	}
	return map[string]func(string, []packet.Value) error{admin.Namespace: a.ui.Take}
}

// adminMetrics count what servers tell each other for the Admin UI.
func (a *server) adminMetrics() []prometheus.Collector {
	if a.cluster == nil {
		return nil
	}
	return []prometheus.Collector{
		ops.Counters("cluster_admin_events_total", "Events for Admin UIs of other servers, by what became of them; refused are those of others that were none.", "result",
			func() map[string]uint64 {
				c := a.ui.Counts()
				return map[string]uint64{"sent": c.Sent, "dropped": c.Dropped, "refused": c.Refused}
			}),
	}
}
