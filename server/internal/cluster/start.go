package cluster

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"hipflask/server/internal/cluster/nodewire"
	"hipflask/server/internal/cluster/sessions"
	"hipflask/server/internal/sparse"
)

// New makes a server's part in a cluster. Nothing is connected before Start.
func New(opts Options) *Cluster {
	opts.Prefix = cmp.Or(opts.Prefix, nodewire.DefaultPrefix)
	c := &Cluster{
		opts:   opts,
		log:    sparse.Logger(opts.Logger),
		uid:    uidPrefix + rand.Text()[:uidDigits],
		link:   opts.URL.OpenFor(opts.Prefix),
		out:    newOutbox(MaxQueued),
		events: make(chan func(), maxEvents),

		spaces:    make(map[string]*space),
		listeners: make(map[string]listener),
	}
	c.servers.Store(1)
	c.health = newHealth(c.log, opts.URL.String(), c.dropped)
	if opts.Streams {
		c.stream = newStream(opts.Prefix, opts.Length)
		c.health.stream, c.health.reading = true, errNotYet
		c.sessions = sessions.New(sessions.Options{
			Redis: c.link.Store(), Node: c.link.Node, Prefix: opts.Prefix, Server: c.uid, Logger: c.log,
		})
	}
	c.life, c.end = context.WithCancel(context.Background())
	return c
}

// startTimeout is how long Redis has to be there at the start.
const startTimeout = 10 * time.Second

var errNoAnswer = fmt.Errorf("no answer within %v", startTimeout)

// Start connects and returns once the server hears the others. Without Redis it fails, or, where it
// is optional, goes on trying in the background. It is called once.
func (c *Cluster) Start(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, errNoAnswer)
	defer cancel()
	c.started = true
	tried := make(chan error, 2)
	waits := 1
	c.work.Go(func() { c.persist(tried, c.session, c.health.hears) })
	if c.stream != nil {
		waits++
		c.work.Go(func() { c.persist(tried, c.follow, c.health.reads) })
		c.writing.Go(c.writeStream)
		c.work.Go(c.sessions.Run)
	}
	c.work.Go(c.watch)
	c.work.Go(c.handleEvents)
	c.writing.Go(c.publish)
	var err error
	for ; waits > 0 && err == nil; waits-- {
		select {
		case err = <-tried:
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
	}
	switch {
	case Unfit(err):
		return fmt.Errorf("the Redis at %s: %w", c.opts.URL, err)
	case err != nil && !c.opts.Optional:
		return fmt.Errorf("cannot reach Redis at %s: %w", c.opts.URL, err)
	}
	return nil
}

// endTime is how long the cluster's goroutines may take to end once nothing that they wait for can
// come any more. One may be in a handler that does not return.
const endTime = time.Second

// Close publishes what is still queued, for as long as ctx lasts, and leaves the cluster. It
// reports how many messages were given up, and returns soon after ctx has ended, whatever Redis
// does.
func (c *Cluster) Close(ctx context.Context) error {
	c.out.close()
	if c.stream != nil {
		c.stream.queue.Close()
	}
	if c.started {
		select {
		case <-closedAfter(c.writing.Wait):
		case <-ctx.Done():
		}
		if c.sessions != nil {
			c.sessions.Close(ctx)
		}
	}
	c.end()
	if c.sessions != nil {
		c.sessions.Stop()
	}
	c.link.Cut()
	var err error
	if c.started {
		err = c.awaitEnd()
	}
	_ = c.link.Close()
	if left := c.left.Load(); left > 0 {
		err = errors.Join(fmt.Errorf("%d messages for other servers were given up: Redis did not take them in time", left), err)
	}
	return err
}

// closedAfter is closed once wait has returned.
func closedAfter(wait func()) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		wait()
	}()
	return done
}

// awaitEnd waits for the goroutines, after they were told to end.
func (c *Cluster) awaitEnd() error {
	ended := closedAfter(func() {
		c.writing.Wait()
		c.work.Wait()
	})
	late := time.NewTimer(endTime)
	defer late.Stop()
	select {
	case <-ended:
		return nil
	case <-late.C:
		return errors.New("a handler for an event of another server still runs")
	}
}

// Ready reports whether this server hears the others and is heard, or why it does not.
func (c *Cluster) Ready() error { return c.health.err() }

// handleEvents runs handlers, one after another.
func (c *Cluster) handleEvents() {
	for {
		select {
		case run := <-c.events:
			run()
		case <-c.life.Done():
			return
		}
	}
}
