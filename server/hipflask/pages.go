package hipflask

import (
	"log/slog"
	"slices"

	"github.com/gin-gonic/gin"

	"hipflask/server/internal/config"
	"hipflask/server/internal/origin"
)

// pagePolicy is which pages may connect, and by which names the server is called.
func pagePolicy(cfg *config.Config) origin.Policy {
	p := origin.Policy{List: cfg.CORSAllowedOrigins, Hosts: cfg.AllowedHosts, Credentials: cfg.CORSCredentials}
	if len(p.List) == 1 && p.List[0] == "*" {
		p.Any, p.List = true, nil
	}
	return p
}

// notePages warns of an allowed origin that lets in more than it says.
func notePages(log *slog.Logger, cfg *config.Config) {
	if slices.Contains(cfg.CORSAllowedOrigins, origin.Null) {
		log.Warn("pages of every origin can connect: the origin null is also that of a frame in a sandbox, which any page can have",
			"setting", "--cors-allowed-origins")
	}
}

// calledByName refuses requests for a Host that the server does not go by, whatever
// their path.
func (a *server) calledByName(c *gin.Context) {
	if !a.door.AdmitHost(c.Writer, c.Request) {
		c.Abort()
	}
}
