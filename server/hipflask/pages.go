package hipflask

import (
	"log/slog"
	"slices"

	"hipflask/server/internal/config"
	"hipflask/server/internal/origin"
)

// notePages warns of an allowed origin that lets in more than it says.
func notePages(log *slog.Logger, cfg *config.Config) {
	if slices.Contains(cfg.CORSAllowedOrigins, origin.Null) {
		log.Warn("pages of every origin can connect: the origin null is also that of a frame in a sandbox, which any page can have",
			"setting", "--cors-allowed-origins")
	}
}
