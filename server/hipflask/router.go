package hipflask

import (
	"fmt"
	"net/netip"

	"github.com/gin-gonic/gin"
)

// newRouter makes the router of an application. first runs before all its middleware.
func newRouter(proxies []netip.Prefix, first gin.HandlerFunc) (*gin.Engine, error) {
	r := gin.New()
	r.RedirectTrailingSlash = false // a redirect would lose the body of a POST
	r.RedirectFixedPath = false
	r.HandleMethodNotAllowed = true
	// A context's ClientIP believes whom Socket.IO believes.
	r.RemoteIPHeaders = []string{"X-Forwarded-For"}
	networks := make([]string, len(proxies))
	for i, p := range proxies {
		networks[i] = p.String()
	}
	if err := r.SetTrustedProxies(networks); err != nil {
		return nil, fmt.Errorf("trusted proxies: %w", err)
	}
	r.Use(first)
	return r, nil
}
