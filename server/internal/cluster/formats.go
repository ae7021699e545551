package cluster

import (
	"sync"

	"hipflask/server/internal/cluster/flaskqueue"
)

// formats knows how others write on the queue.
type formats struct {
	mu           sync.Mutex
	pickle, json bool // was heard
}

func (f *formats) saw(format flaskqueue.Format) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pickle = f.pickle || format == flaskqueue.FormatPickle
	f.json = f.json || format == flaskqueue.FormatJSON
}

// choose returns the format to write. Readers of JSON refuse pickle, readers of pickle take JSON
// for what it looks like, so JSON is the one for all but those who write nothing but pickle.
func (f *formats) choose(wanted Format) flaskqueue.Format {
	f.mu.Lock()
	defer f.mu.Unlock()
	if wanted == FormatPickle || wanted == FormatAuto && f.pickle && !f.json {
		return flaskqueue.FormatPickle
	}
	return flaskqueue.FormatJSON
}

// Format is how messages for Flask-SocketIO are written.
type Format string

// The formats. FormatAuto is pickle once all that was heard on the queue was, and JSON otherwise.
const (
	FormatAuto   Format = "auto"
	FormatJSON   Format = "json"
	FormatPickle Format = "pickle"
)
