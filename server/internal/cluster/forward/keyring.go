package forward

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// keyLength is that of the cluster's key, in bytes.
const keyLength = 32

// overlap is how long a key that was replaced is still accepted: until every server has
// looked again.
const overlap = 3 * renewEvery

// keyring has the cluster's key, which the first server to come has put into Redis.
type keyring struct {
	mu     sync.RWMutex
	key    []byte // nil: not known yet
	former []byte // accepted until then
	until  time.Time
	clock  clock
}

// signing is the key to sign with; nil: none is known.
func (k *keyring) signing() []byte {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.key
}

// accepted are the keys that a signature may have.
func (k *keyring) accepted() [][]byte {
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

// now is the cluster's time.
func (k *keyring) now() time.Time {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.clock.now()
}

var errKey = fmt.Errorf("the cluster's key in Redis is not %d bytes long", keyLength)

// renew reads the key and the time. Where there is no key, because this is the first
// server or Redis has lost its memory, it puts the one that it knows there, or a new one:
// of servers that do so at one time, one wins.
func (k *keyring) renew(ctx context.Context, store redis.Cmdable, name string) error {
	key, err := store.Get(ctx, name).Bytes()
	if errors.Is(err, redis.Nil) {
		mine := k.signing()
		if mine == nil {
			mine = make([]byte, keyLength)
			_, _ = rand.Read(mine) // never fails, by its contract
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

// clock tells the time of Redis, as it was told last, by how long that is ago. So the
// clocks of the servers may differ and jump.
type clock struct {
	redis, here time.Time // at the same moment; here has a monotonic reading
}

func (c clock) now() time.Time {
	if c.here.IsZero() {
		return time.Now()
	}
	return c.redis.Add(time.Since(c.here))
}
