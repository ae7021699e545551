//go:build !linux

package websocket

// poller is there on Linux only: elsewhere each connection has a goroutine.
type poller struct{}

func newPoller() (*poller, error)       { return nil, nil }
func (p *poller) watch(int, bool) error { return nil }
func (p *poller) run(func(fd int))      {}
func (p *poller) close() error          { return nil }
