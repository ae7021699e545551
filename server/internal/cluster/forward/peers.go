package forward

import (
	"net/http"
	"net/netip"
	"sync"
	"time"

	"hipflask/server/internal/engineio"
)

// wish is what the engine is to do for a request that was passed on.
func wish(verb string, refused error) engineio.Wish {
	switch {
	case refused != nil:
		return engineio.WishAstray
	case verb == verbLeft:
		return engineio.WishLeft
	case verb == verbLost:
		return engineio.WishLost
	case verb == verbAlive:
		return engineio.WishAlive
	case verb == verbRelease:
		return engineio.WishRelease
	}
	return engineio.WishAnswer
}

const (
	// provenFor is how long an address counts as a server's after it has proved to be one.
	provenFor = 10 * time.Minute
	maxPeers  = 1024
)

// peers are the addresses that other servers' requests come from. Those are exempt from limits that
// hold for the address of a client.
type peers struct {
	mu     sync.Mutex
	proven map[netip.Addr]time.Time
}

func (s *peers) prove(remote string) {
	at, err := netip.ParseAddrPort(remote)
	if err != nil { // a Unix socket's
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proven == nil || len(s.proven) >= maxPeers {
		s.proven = make(map[netip.Addr]time.Time)
	}
	s.proven[at.Addr().Unmap().WithZone("")] = time.Now()
}

// IsPeer reports whether a server of the cluster has passed requests on from this address of late.
// A nil Forwarder knows none.
func (f *Forwarder) IsPeer(addr netip.Addr) bool {
	if f == nil {
		return false
	}
	f.peers.mu.Lock()
	defer f.peers.mu.Unlock()
	at, is := f.peers.proven[addr]
	return is && time.Since(at) < provenFor
}

// poll is a poll that waits at another server.
type poll struct {
	endpoint *endpoint
	request  *http.Request
}

// polls are those under way.
type polls struct {
	mu  sync.Mutex
	all map[*poll]struct{}
}

func (s *polls) add(p *poll) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = make(map[*poll]struct{})
	}
	s.all[p] = struct{}{}
}

func (s *polls) remove(p *poll) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, p)
}

func (s *polls) list() []*poll {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*poll, 0, len(s.all))
	for p := range s.all {
		list = append(list, p)
	}
	return list
}

// maxTold is how many servers are told something at a time.
const maxTold = 16

// releasePolls has all polls that wait at other servers answered.
func (f *Forwarder) releasePolls() {
	var told sync.WaitGroup
	slots := make(chan struct{}, maxTold)
	for _, p := range f.polls.list() {
		slots <- struct{}{}
		told.Go(func() {
			defer func() { <-slots }()
			f.tell(p, verbRelease)
		})
	}
	told.Wait()
}
