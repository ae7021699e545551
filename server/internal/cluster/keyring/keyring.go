// Package keyring owns the keys that all servers of a cluster know and nobody else: random bytes in
// Redis, put there by the first server that needs them, with which one server signs what another
// one, or itself later, is to believe. Whoever can read this cluster's keys in Redis can sign what
// any server could.
package keyring

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// keyLength is that of a key, in bytes.
const keyLength = 32

// RenewEvery is how often a server that uses a key looks at it again.
const RenewEvery = 5 * time.Second

// overlap is how long a key that was replaced is still accepted: until every server has looked
// again.
const overlap = 3 * RenewEvery

// Ring has one of the cluster's keys, and the cluster's time. The zero value has no key.
type Ring struct {
	mu     sync.RWMutex
	key    []byte // nil: not known yet
	former []byte // accepted until then
	until  time.Time
	clock  clock
}

// Signing is the key to sign with; nil: none is known.
func (k *Ring) Signing() []byte {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.key
}

// Accepted are the keys that a signature may have.
func (k *Ring) Accepted() [][]byte {
	k.mu.RLock()
	defer k.mu.RUnlock()
	switch {
	case k.key == nil:
		return nil
	case k.former != nil && time.Now().Before(k.until):
		return [][]byte{k.key, k.former}
	}
	return [][]byte{k.key}
}

// Now is the cluster's time: that of Redis, so that the clocks of the servers may differ and jump.
func (k *Ring) Now() time.Time {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.clock.now()
}

var errKey = fmt.Errorf("the cluster's key in Redis is not %d bytes long", keyLength)

// Renew reads the key and the time. Where there is no key, because this is the first server or
// Redis has lost its memory, it puts the one that it knows there, or a new one: of servers that do
// so at one time, one wins.
func (k *Ring) Renew(ctx context.Context, store redis.Cmdable, name string) error {
	key, err := store.Get(ctx, name).Bytes()
	if errors.Is(err, redis.Nil) {
		mine := k.Signing()
		if mine == nil {
			mine = newKey()
		}
		if err := store.SetNX(ctx, name, mine, 0).Err(); err != nil {
			return err
		}
		key, err = store.Get(ctx, name).Bytes()
	}
	if err != nil {
		return err
	}
	if len(key) != keyLength {
		return errKey
	}
	before := time.Now()
	now, err := store.Time(ctx).Result()
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.key != nil && !bytes.Equal(k.key, key) {
		k.former, k.until = k.key, time.Now().Add(overlap)
	}
	k.key = key
	k.clock = clock{redis: now, here: before.Add(time.Since(before) / 2)}
	return nil
}

func newKey() []byte {
	key := make([]byte, keyLength)
	_, _ = rand.Read(key) // never fails, by its contract
	return key
}

// clock tells the time of Redis, as it was told last, by how long that is ago.
type clock struct {
	redis, here time.Time // at the same moment; here has a monotonic reading
}

func (c clock) now() time.Time {
	if c.here.IsZero() {
		return time.Now()
	}
	return c.redis.Add(time.Since(c.here))
}

const version = "1"

// MAC signs the parts, which hold no line's end: what they are of comes first.
func MAC(key []byte, what string, parts ...string) []byte {
	text := make([]byte, 0, 512) // as much as what servers pass on to each other has at most
	text = append(text, "hipflask "+version+" "...)
	text = append(text, what...)
	for _, part := range parts {
		text = append(append(text, '\n'), part...)
	}
	h := hmac.New(sha256.New, key)
	_, _ = h.Write(text) // a hash takes everything
	return h.Sum(nil)
}

// IsMAC reports whether one of the keys has signed the parts.
func IsMAC(mac []byte, keys [][]byte, what string, parts ...string) bool {
	return slices.ContainsFunc(keys, func(key []byte) bool { return hmac.Equal(mac, MAC(key, what, parts...)) })
}
