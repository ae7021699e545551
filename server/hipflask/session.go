package hipflask

import (
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"slices"
	"time"

	"hipflask/server/flasksession"
	"hipflask/server/internal/config"
)

// sessions makes what reads Flask's sessions, nil without a secret key, and warns of keys that
// others may know.
func sessions(cfg *config.Config, log *slog.Logger) (*flasksession.Sessions, error) {
	if len(cfg.SecretKeys) == 0 {
		return nil, nil
	}
	if cfg.SecretKeyVisible {
		log.Warn("the secret key is a flag, which others on this machine can see",
			"setting", "--secret-key", "hint", "set HIPFLASK_SECRET_KEY or --secret-key-file instead")
	}
	if readableByOthers(cfg.SecretKeyFile) {
		log.Warn("everybody on this machine can read the secret keys", "setting", "--secret-key-file", "hint", "chmod 600")
	}
	if slices.Contains(cfg.CORSAllowedOrigins, "*") {
		log.Warn("pages of every origin can connect as the user who is logged in, since a session is shared with Flask",
			"setting", "--cors-allowed-origins", "hint", "name the origins of your own pages")
	}
	return flasksession.New(flasksession.Options{
		Keys:       cfg.SecretKeys,
		CookieName: cfg.SessionCookieName,
		Lifetime:   cfg.SessionLifetime,
	})
}

func readableByOthers(file string) bool {
	if file == "" || runtime.GOOS == "windows" { // where the permissions say nothing
		return false
	}
	info, err := os.Stat(file)
	return err == nil && info.Mode().Perm()&0o004 != 0
}

// sessionValues is what sockets' sessions begin with, nil for nothing.
func (a *server) sessionValues() func(*http.Request, time.Time) map[string]any {
	if a.sessions == nil {
		return nil
	}
	return a.sessions.ValuesAt
}
