package forward

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"hipflask/server/internal/cluster/keyring"
	"hipflask/server/internal/cluster/redistest"
)

// TestClockOfRedisJumps: the servers go by the clock of Redis. When it jumps, those that have
// looked since and those that have not do not understand each other, until all have looked again,
// every few seconds; what their own clocks say does not matter.
func TestClockOfRedisJumps(t *testing.T) {
	var ahead atomic.Int64 // of this machine's clock, in seconds
	addr := redistest.Fake(t, func(command []string) string {
		switch command[0] {
		case "GET":
			return fmt.Sprintf("$%d\r\n%s\r\n", len(key(1)), key(1))
		case "TIME":
			seconds := fmt.Sprint(time.Now().Unix() + ahead.Load())
			return fmt.Sprintf("*2\r\n$%d\r\n%s\r\n$1\r\n0\r\n", len(seconds), seconds)
		}
		return "-ERR unknown command '" + command[0] + "'\r\n"
	})
	store := redis.NewClient(&redis.Options{Addr: addr})
	defer store.Close()
	look := func(k *keyring.Ring) {
		t.Helper()
		if err := k.Renew(t.Context(), store, "key"); err != nil {
			t.Fatal(err)
		}
	}
	var from, to keyring.Ring
	pass := func() error {
		t.Helper()
		p := proof{verb: verbPass, from: otherID, target: ownID, client: "203.0.113.7:1234", at: from.Now()}
		_, err := read(passedOn("GET", askedAt, p.sign(from.Signing(), "GET", askedAt)), to.Accepted(), to.Now(), ownID)
		return err
	}
	look(&from)
	look(&to)
	for _, jump := range []int64{7200, -7200, 0} {
		ahead.Store(jump)
		if err := pass(); err != nil {
			t.Errorf("before anybody looks, at %d: %v", jump, err)
		}
		look(&to)
		if err := pass(); !errors.Is(err, errSkewed) {
			t.Errorf("when one has looked, at %d: %v", jump, err)
		}
		look(&from)
		if err := pass(); err != nil {
			t.Errorf("when both have looked, at %d: %v", jump, err)
		}
	}
}
