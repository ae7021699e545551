package engineio

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"strings"
	"sync"
)

// acceptedEncoding is the first of gzip and deflate that the request names.
func acceptedEncoding(r *http.Request) string {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, params, _ := strings.Cut(part, ";")
		name = strings.ToLower(strings.TrimSpace(name))
		if (name == "gzip" || name == "deflate") && strings.ReplaceAll(params, " ", "") != "q=0" {
			return name
		}
	}
	return ""
}

// compressors keeps compressors for reuse: each holds most of a megabyte.
type compressors struct{ gzip, deflate sync.Pool }

type resettable interface {
	io.WriteCloser
	Reset(io.Writer)
}

// compress compresses a response body. Writing to memory does not fail.
func (c *compressors) compress(encoding string, body []byte) []byte {
	var buf bytes.Buffer
	pool := &c.deflate
	if encoding == "gzip" {
		pool = &c.gzip
	}
	w, ok := pool.Get().(resettable)
	switch {
	case ok:
		w.Reset(&buf)
	case encoding == "gzip":
		w = gzip.NewWriter(&buf)
	default:
		w = zlib.NewWriter(&buf)
	}
	_, _ = w.Write(body)
	_ = w.Close()
	pool.Put(w)
	return buf.Bytes()
}
