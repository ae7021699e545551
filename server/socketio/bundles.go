package socketio

import (
	"net/http"
	"slices"
	"strings"
	"sync"

	"hipflask/server/internal/assets"
)

// clientFiles serves the bundles. They are read when the first is asked for.
type clientFiles struct {
	names   []string
	handler func() (http.Handler, error)
}

func newClientFiles() clientFiles {
	return clientFiles{names: assets.ClientFiles(), handler: sync.OnceValues(assets.Client)}
}

func (f *clientFiles) has(r *http.Request) bool {
	return slices.Contains(f.names, r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:])
}

// serve lets pages of any origin import the bundles, which are public.
func (f *clientFiles) serve(w http.ResponseWriter, r *http.Request) {
	unread(w, r)
	h, err := f.handler()
	if err != nil { // what is embedded can be read
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Access-Control-Allow-Origin", "*")
	h.ServeHTTP(w, r)
}

// unread makes a connection end with its response, unless whoever answers reads the body and takes
// that back: net/http would otherwise wait for a body that nobody wants before it answers.
func unread(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		w.Header().Set("Connection", "close")
	}
}
