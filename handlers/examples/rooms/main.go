// Command rooms is a chat with rooms, a login page and Flask's session.
package main

import (
	"embed"
	"io/fs"
	"net/http"

	"github.com/gin-gonic/gin"

	"hipflask/server/hipflask"
)

//go:embed page
var files embed.FS

func main() { hipflask.Main(Register) }

// Register registers the application.
func Register(app *hipflask.App) error {
	page, err := fs.Sub(files, "page")
	if err != nil {
		return err
	}
	app.Router.GET("/", func(c *gin.Context) {
		c.Header("Content-Security-Policy", "default-src 'self'")
		http.ServeFileFS(c.Writer, c.Request, page, "index.html")
	})
	app.Router.StaticFileFS("/app.js", "app.js", http.FS(page))
	app.Router.StaticFileFS("/style.css", "style.css", http.FS(page))
	return nil
}
