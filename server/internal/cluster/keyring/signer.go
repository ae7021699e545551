package keyring

import (
	"context"
	"errors"
	"sync"
	"time"

	"hipflask/server/internal/cluster/redislink"
)

// timeout is how long a signature waits for Redis.
const timeout = time.Second

var (
	errLate  = errors.New("no answer in time")
	errEnded = errors.New("the server has ended")
)

// Signer signs and checks with a key of the cluster. It asks Redis when something is to be signed
// or checked, at most once in [RenewEvery], and not in between: who does not sign costs Redis
// nothing.
type Signer struct {
	what string
	name string         // of the key in Redis
	url  *redislink.URL // nil: the key is this process' own

	ring Ring

	mu    sync.Mutex
	link  *redislink.Link // nil before it is used
	ended bool
	asked time.Time // when Redis was asked last
	err   error     // and what came of it
}

// NewSigner makes a Signer for signatures of one kind, whose key has this name in that Redis.
// Nothing is connected before it is used. Without a Redis, nil, the key is this process' own.
func NewSigner(redis *redislink.URL, name, what string) *Signer {
	s := &Signer{what: what, name: name, url: redis}
	if redis == nil {
		s.ring.key = newKey()
	}
	return s
}

// Sign signs the parts, which hold no line's end. While Redis is away it signs with the key that it
// has, and fails without one.
func (s *Signer) Sign(ctx context.Context, parts ...string) ([]byte, error) {
	err := s.renew(ctx)
	if key := s.ring.Signing(); key != nil {
		return MAC(key, s.what, parts...), nil
	}
	return nil, err
}

// Check reports whether a server of this cluster has signed the parts, as far as this one can know.
func (s *Signer) Check(ctx context.Context, mac []byte, parts ...string) bool {
	_ = s.renew(ctx) // what is known counts while Redis is away
	return IsMAC(mac, s.ring.Accepted(), s.what, parts...)
}

// Now is the cluster's time.
func (s *Signer) Now() time.Time { return s.ring.Now() }

// Close ends the connection to Redis, which takes no time. A nil Signer has none.
func (s *Signer) Close(context.Context) error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	if s.link == nil {
		return nil
	}
	return s.link.Close()
}

// renew asks Redis, unless that was done a moment ago.
func (s *Signer) renew(ctx context.Context) error {
	if s.url == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return errEnded
	}
	if s.link == nil {
		s.link = s.url.OpenFor(s.name)
	}
	if !s.asked.IsZero() && time.Since(s.asked) < RenewEvery {
		return s.err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errLate)
	defer cancel()
	s.err = s.ring.Renew(ctx, s.link.Store(), s.name)
	s.asked = time.Now()
	return s.err
}
