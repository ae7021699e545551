package cluster

import (
	"strings"
	"time"

	"hipflask/server/internal/fanout"
)

// Attach makes what the others say of a namespace reach its adapter.
func (c *Cluster) Attach(a *fanout.Adapter) {
	s := &space{adapter: a, channels: c.names(a.Name())}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spaces[a.Name()] = s
	c.sharp = c.sharp || strings.Contains(a.Name(), "#")
	for _, channel := range c.channels(s) {
		c.listeners[channel] = listener{s, channel == c.questions(a.Name())}
	}
	if pubsub := c.pubsub; pubsub != nil && c.life.Err() == nil {
		c.work.Go(func() {
			c.adjusting.Lock()
			defer c.adjusting.Unlock()
			// A connection that fails here fails the listener, which begins anew.
			_ = pubsub.Subscribe(standing(), c.channels(s)...)
		})
	}
}

// linger is how long the channels of a namespace that was forgotten are still listened to: who was
// counted among those that hear a question has to answer it.
const linger = time.Second

// Detach ends what Attach began: the namespace is forgotten.
func (c *Cluster) Detach(a *fanout.Adapter) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.spaces[a.Name()]
	if s == nil || s.adapter != a || c.life.Err() != nil {
		return
	}
	delete(c.spaces, a.Name())
	if c.gone = append(c.gone, s); len(c.gone) == 1 {
		c.work.Go(c.unlisten)
	}
}

// unlisten gives up the channels of the namespaces that are gone, after a while, unless there is
// one of that name again.
func (c *Cluster) unlisten() {
	select {
	case <-time.After(linger):
	case <-c.life.Done():
		return
	}
	c.adjusting.Lock() // nobody subscribes between the look and the deed
	defer c.adjusting.Unlock()
	c.mu.Lock()
	var channels []string
	for _, s := range c.gone {
		if c.spaces[s.adapter.Name()] == nil {
			channels = append(channels, c.channels(s)...)
		}
	}
	for _, channel := range channels {
		delete(c.listeners, channel)
	}
	c.gone = nil
	pubsub := c.pubsub
	c.mu.Unlock()
	if pubsub != nil && len(channels) > 0 {
		_ = pubsub.Unsubscribe(standing(), channels...) // see Attach
	}
}
