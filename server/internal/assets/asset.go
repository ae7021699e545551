package assets

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"path"
	"strconv"
	"sync"
	"time"

	"hipflask/server/internal/coding"
)

// catalogue serves a fixed set of assets from memory.
type catalogue struct {
	assets map[string]*asset
	name   func(*http.Request) string // the asset that a request means
	header map[string]string          // set on each asset's responses
}

func (c *catalogue) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a, ok := c.assets[c.name(r)]
	if !ok {
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "405 method not allowed", http.StatusMethodNotAllowed)
		return
	}
	for name, value := range c.header {
		w.Header().Set(name, value)
	}
	a.serve(w, r)
}

// asset is one file in memory, plain and, once a client has asked for it, gzipped.
type asset struct {
	contentType string
	tag         string // the entity tag without its quotes
	plain       []byte
	zipped      func() []byte // nil where gzip makes the file no smaller
}

func newAsset(contentType, tagPrefix string, body []byte) *asset {
	sum := sha256.Sum256(body)
	return &asset{
		contentType: contentType,
		tag:         tagPrefix + hex.EncodeToString(sum[:16]),
		plain:       body,
		zipped:      sync.OnceValue(func() []byte { return gzipped(body) }),
	}
}

// serve answers with the variant that the client accepts. Each variant has an entity tag of its
// own, since a strong tag promises the same bytes (RFC 9110, section 8.8.1). Conditions and ranges
// are net/http's work.
func (a *asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	h.Add("Vary", "Accept-Encoding")
	body, tag := a.plain, a.tag
	if coding.Choose(r.Header, coding.Gzip) != "" {
		if zipped := a.zipped(); zipped != nil {
			body, tag = zipped, tag+"-gzip"
			h.Set("Content-Encoding", coding.Gzip)
			// net/http leaves the length out of encoded responses.
			h.Set("Content-Length", strconv.Itoa(len(body)))
		}
	}
	h.Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// gzipped is body compressed, or nil where that makes it no smaller.
func gzipped(body []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(body); err != nil {
		return nil
	}
	if err := z.Close(); err != nil || out.Len() >= len(body) {
		return nil
	}
	return out.Bytes()
}

func contentType(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "application/javascript; charset=utf-8"
	case ".map":
		return "application/json; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml; charset=utf-8"
	default:
		return "text/html; charset=utf-8"
	}
}
