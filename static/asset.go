package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"
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

// serve answers with the variant that the client accepts. Each variant has an
// entity tag of its own, since a strong tag promises the same bytes (RFC 9110,
// section 8.8.1). Conditions and ranges are net/http's work.
func (a *asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	h.Add("Vary", "Accept-Encoding")
	body, tag := a.plain, a.tag
	if acceptsGzip(r.Header.Values("Accept-Encoding")) {
		if zipped := a.zipped(); zipped != nil {
			body, tag = zipped, tag+"-gzip"
			h.Set("Content-Encoding", "gzip")
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

// acceptsGzip reads Accept-Encoding (RFC 9110, section 12.5.3): gzip is wanted
// if it, or else "*", is named with a weight above zero.
func acceptsGzip(fields []string) bool {
	var wildcard bool
	for coding := range strings.SplitSeq(strings.Join(fields, ","), ",") {
		name, params, _ := strings.Cut(coding, ";")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "gzip":
			return weight(params) > 0
		case "*":
			wildcard = weight(params) > 0
		}
	}
	return wildcard
}

// weight reads ";q=0.5" without its semicolon; no weight is 1, a malformed one 0.
func weight(params string) float64 {
	params = strings.TrimSpace(params)
	if params == "" {
		return 1
	}
	name, value, _ := strings.Cut(params, "=")
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil || !strings.EqualFold(strings.TrimSpace(name), "q") {
		return 0
	}
	return q
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
