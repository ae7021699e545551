package engineio

import (
	"maps"
	"net/http"
	"slices"
)

// allow asks whether the request may open a session, and returns what was added to the header of
// its answer, which a 101 has to carry as well; nil where nobody is asked. If it may not, it is
// answered.
func (srv *Server) allow(w http.ResponseWriter, r *http.Request) (added http.Header, ok bool) {
	if srv.cfg.Allow == nil {
		return nil, true
	}
	allow := srv.cfg.Allow()
	if allow == nil {
		return nil, true
	}
	before := maps.Clone(w.Header())
	asked := &watched{ResponseWriter: w}
	ok = allow(asked, r)
	if asked.answered { // whatever it reports
		return nil, false
	}
	if !ok {
		writeRefusal(w, http.StatusForbidden, codeForbidden, codeForbidden.String())
		return nil, false
	}
	added = make(http.Header)
	for name, values := range w.Header() {
		if !slices.Equal(values, before[name]) {
			added[name] = slices.Clone(values)
		}
	}
	return added, true
}

// watched notes whether a request was answered.
type watched struct {
	http.ResponseWriter
	answered bool
}

func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *watched) WriteHeader(status int) {
	w.answered = true
	w.ResponseWriter.WriteHeader(status)
}

func (w *watched) Write(p []byte) (int, error) {
	w.answered = true
	return w.ResponseWriter.Write(p)
}
