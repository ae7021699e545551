// Package assets serves files from memory, compressed where that saves something: the chat page and
// the socket.io client bundles that package static embeds, and the files that applications embed.
package assets

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"hipflask/static"
)

// pagePolicy lets the page load its own files and talk to its own server, and nothing else. 'self'
// in connect-src covers ws: and wss: to the page's own host and port (CSP level 3). Safari before
// 15.4 reads it more narrowly, refuses the WebSocket and so stays on long-polling: a page that
// still works is worth more than naming a host that only the browser knows for sure.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; " +
	"connect-src 'self'; img-src 'self' data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'; trusted-types 'none'"

// Paths lists the URL paths that the handler of Page answers.
func Paths() []string {
	return []string{"/", "/app.js", "/messages.js", "/style.css", "/favicon.svg"}
}

// Page serves the chat page: exactly the URL paths of Paths, to GET and HEAD.
//
// socketPath is the path that Socket.IO is served under, such as "/socket.io"; the page loads the
// client bundle from there and connects to it. It is a decoded path (as in [http.Request.URL]) in
// its shortest form; one slash at its end is ignored. A path that does not begin with a slash, is
// not in its shortest form, or is one of Paths is refused with an error.
func Page(socketPath string) (http.Handler, error) {
	index, err := renderIndex(socketPath)
	if err != nil {
		return nil, fmt.Errorf("chat page: %w", err)
	}
	assets := make(map[string]*asset)
	for _, p := range Paths() {
		body := index
		if p != "/" {
			if body, err = fs.ReadFile(static.Files(), p[1:]); err != nil {
				return nil, fmt.Errorf("chat page: %w", err)
			}
		}
		assets[p] = newAsset(contentType(p), "", body)
	}
	return &catalogue{
		assets: assets,
		name:   func(r *http.Request) string { return r.URL.Path },
		header: map[string]string{
			"Cache-Control":           "no-cache",
			"Content-Security-Policy": pagePolicy,
			"Referrer-Policy":         "no-referrer",
			"X-Content-Type-Options":  "nosniff",
			"X-Frame-Options":         "DENY", // frame-ancestors, for browsers that do not know it
			// No other page gets hold of this one, its files or, through it, the visitor's devices.
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Permissions-Policy":           "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
		},
	}, nil
}

// ClientFiles lists the names of the files that the handler of Client serves.
func ClientFiles() []string {
	return []string{
		"socket.io.js", "socket.io.js.map",
		"socket.io.min.js", "socket.io.min.js.map",
		"socket.io.esm.min.js", "socket.io.esm.min.js.map",
		"socket.io.msgpack.min.js", "socket.io.msgpack.min.js.map",
	}
}

// Client serves the official socket.io client bundles and their source maps to GET and HEAD,
// wherever it is mounted: the last element of the URL path names the file, one of ClientFiles.
func Client() (http.Handler, error) {
	assets := make(map[string]*asset)
	for _, name := range ClientFiles() {
		body, err := fs.ReadFile(static.Files(), "client/"+name)
		if err != nil {
			return nil, fmt.Errorf("client bundle: %w", err)
		}
		assets[name] = newAsset(contentType(name), static.ClientVersion+"-", body)
	}
	return &catalogue{
		assets: assets,
		name:   func(r *http.Request) string { return r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:] },
		header: map[string]string{
			// The official server's value: caches keep the bundle and ask whether it changed.
			"Cache-Control":          "public, max-age=0",
			"X-Content-Type-Options": "nosniff",
			// They are for every page, also for one that asks what it loads for this.
			"Cross-Origin-Resource-Policy": "cross-origin",
		},
	}, nil
}

// renderIndex writes the Socket.IO path into the page, where app.js finds it.
func renderIndex(socketPath string) ([]byte, error) {
	escaped, err := escapeSocketPath(socketPath)
	if err != nil {
		return nil, err
	}
	page, err := template.ParseFS(static.Files(), "index.html")
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := page.Execute(&out, struct{ SocketPath string }{escaped}); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// escapeSocketPath gives the path as it stands in a URL. Only the shortest form is taken: a browser
// would resolve dot segments by itself and would read "//a" as the host a.
func escapeSocketPath(socketPath string) (string, error) {
	p := strings.TrimSuffix(socketPath, "/")
	switch {
	case socketPath == "/" || slices.Contains(Paths(), p):
		return "", fmt.Errorf("the Socket.IO path %q belongs to the page", socketPath)
	case !strings.HasPrefix(p, "/"):
		return "", errors.New("the Socket.IO path must begin with a slash")
	case path.Clean(p) != p:
		return "", fmt.Errorf("the Socket.IO path %q must have no empty, . or .. element", socketPath)
	}
	return (&url.URL{Path: p}).EscapedPath(), nil
}
