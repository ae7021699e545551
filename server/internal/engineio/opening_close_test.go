package engineio

import (
	"testing"
	"time"

	"hipflask/testdata/testkit"
)

// A receiver that has its session closed by another goroutine while it is still being opened is
// called at its end, as at any other.
func TestCloseWhileOpening(t *testing.T) {
	for name, end := range map[string]func(*Session){
		"closed":  func(s *Session) { s.Close(ServerClose) },
		"aborted": func(s *Session) { s.abort(ServerClose) },
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t, func(cfg *Config) {
				open := cfg.Open
				cfg.Open = func(s *Session) Receiver {
					go end(s)
					// The session tells its receiver, which it has not got yet.
					for deadline := time.Now().Add(testkit.Deadline); s.IsOpen(); time.Sleep(time.Millisecond) {
						if time.Now().After(deadline) {
							t.Error("the session stays open")
							break
						}
					}
					return open(s)
				}
			})
			p := f.dial("EIO=4&transport=websocket", 0)
			f.opening().ends(t, ServerClose)
			p.ended()
		})
	}
}
