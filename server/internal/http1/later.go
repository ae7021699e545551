package http1

import (
	"net/http"
)

// Later is a ResponseWriter whose handler may return before there is an answer. It supports the
// deadlines, Flush and Hijack of an http.ResponseController; a deadline for writing counts once the
// kernel does not take everything at once, one for reading once the body has to be waited for.
type Later interface {
	http.ResponseWriter
	// Later has the answer come after the handler has returned, from any goroutine, until Done is
	// called. gone is called once if the client leaves before that; Done has to follow all the
	// same. It may be called with locks held that gone needs.
	Later(gone func())
	// TryFlush writes what the kernel takes at once of what was written so far, and reports whether
	// that was all of it. It does not block. Flush writes the rest.
	TryFlush() (whole bool, err error)
	// Go runs f, which may block, on a goroutine that the connection waits for. It is to be called
	// between Later and Done.
	Go(f func())
	// Done ends the answer. Nothing may be done with the ResponseWriter after it.
	Done()
}
