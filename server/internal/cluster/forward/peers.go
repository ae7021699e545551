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
	if refused != nil {
		return engineio.WishAstray
	}
	return map[string]engineio.Wish{
		verbPass: engineio.WishAnswer, verbLeft: engineio.WishLeft, verbLost: engineio.WishLost,
		verbAlive: engineio.WishAlive, verbRelease: engineio.WishRelease,
	}[verb]
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

// maxTold is how many servers are told something at a time.
const maxTold = 16

// Release has the polls answered, with nothing, that wait at other servers, so that their clients
// ask again: another server, when this one takes no further connections.
func (f *Forwarder) Release() {
	var told sync.WaitGroup
	slots := make(chan struct{}, maxTold)
	for p := range f.polls.Range {
		slots <- struct{}{}
		told.Go(func() {
			defer func() { <-slots }()
			f.tell(p.(*poll), verbRelease)
		})
	}
	told.Wait()
}
