package sessions

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"hipflask/server/internal/causes"
	"hipflask/server/internal/cluster/nodewire"
	"hipflask/server/internal/packet"
)

// What is done to a key in one step. Each is for a session that this server has, or nobody:
// one that is missing may have gone with what Redis had, and is written again. ARGV[1] is how
// this server's sessions begin.
const (
	mine = `local s=redis.call('GETRANGE',KEYS[1],0,#ARGV[1]-1) if s~='' and s~=ARGV[1] then return 0 end `

	scriptSave    = mine + `redis.call('SET',KEYS[1],ARGV[2],'PX',ARGV[3]) return 1`
	scriptRenew   = mine + `return redis.call('PEXPIRE',KEYS[1],ARGV[2])==1 and 1 or 2`
	scriptDiscard = mine + `redis.call('DEL',KEYS[1]) return 1`
)

// What the scripts return, beside 1.
const (
	notMine = 0
	missing = 2 // there was nothing to renew
)

const (
	maxBatch  = 256
	writeTime = 5 * time.Second // that Redis has for a batch

	firstPause   = 50 * time.Millisecond
	longestPause = time.Second
)

// Run writes what changes, and renews what does not, until the keeper is closed.
func (k *Keeper) Run() {
	defer close(k.done)
	tick := time.NewTicker(shortestRenewal)
	defer tick.Stop()
	wait := firstPause
	for {
		batch, closed := k.due()
		switch {
		case len(batch) == 0 && closed:
			return
		case len(batch) == 0:
			select {
			case <-k.more:
			case <-tick.C:
				k.look()
			case <-k.life.Done():
				return
			}
			continue
		}
		if err := k.write(batch); err == nil {
			wait = firstPause
			continue
		}
		select {
		case <-time.After(wait/2 + rand.N(wait/2)):
		case <-k.life.Done():
			return
		}
		wait = min(2*wait, longestPause)
	}
}

// Close has what changed written, for as long as ctx lasts. Other servers are answered until
// Stop.
func (k *Keeper) Close(ctx context.Context) {
	k.mu.Lock()
	k.closed = true
	k.mu.Unlock()
	select {
	case k.more <- struct{}{}:
	default:
	}
	select {
	case <-k.done:
	case <-ctx.Done():
	}
}

// Stop ends all that goes on, Run among it.
func (k *Keeper) Stop() { k.end() }

// item is what is written of an entry.
type item struct {
	e       *entry
	change  uint64
	discard bool
	renew   bool // nothing but its time
	keep    time.Duration
	over    bool
	cmd     *redis.Cmd
}

// due takes what is to be written out of the queue, and reports whether nothing else comes.
func (k *Keeper) due() (batch []*item, closed bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for len(k.queue) > 0 && len(batch) < maxBatch {
		e := k.queue[0]
		k.queue[0] = nil
		k.queue = k.queue[1:]
		e.queued = false
		switch {
		case k.kept[e.pid] != e || e.lost:
		case e.discard, e.written < e.changed:
			batch = append(batch, &item{e: e, change: e.changed, discard: e.discard, over: e.over})
		default:
			batch = append(batch, &item{e: e, renew: true})
		}
	}
	return batch, k.closed
}

// look queues what has to be renewed, and forgets what is of no use any more.
func (k *Keeper) look() {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	for _, e := range k.kept {
		switch {
		case e.over && e.keep > 0 && now.Sub(e.overAt) > e.keep: // Redis was away for too long
			k.removeLocked(e)
		case e.over && e.lost && now.Sub(e.overAt) > askTime: // who has it has asked by now
			k.removeLocked(e)
		case !e.over && !e.lost && e.keep > 0 && now.Sub(e.renewed) > renewal(e.keep):
			k.queueLocked(e)
		}
	}
}

// renewal is how often a session is renewed that may be gone for so long.
func renewal(keep time.Duration) time.Duration {
	return min(max(keep/3, shortestRenewal), longestRenewal)
}

// write writes a batch. What Redis did not take is due again.
func (k *Keeper) write(batch []*item) error {
	ctx, cancel := context.WithTimeout(k.life, writeTime)
	defer cancel()
	pipe := k.opts.Store.Pipeline()
	for _, i := range batch {
		k.prepare(ctx, pipe, i)
	}
	_, _ = pipe.Exec(ctx) // each command has its error
	k.mu.Lock()
	defer k.mu.Unlock()
	var failed error
	for _, i := range batch {
		if err := k.settleLocked(i); err != nil {
			failed = err
			k.queueLocked(i.e)
		}
	}
	k.noteLocked(failed)
	return failed
}

// prepare adds an item's command.
func (k *Keeper) prepare(ctx context.Context, pipe redis.Pipeliner, i *item) {
	keys := []string{nodewire.SessionKey(k.opts.Prefix, i.e.pid)}
	if i.discard {
		i.cmd = pipe.Eval(ctx, scriptDiscard, keys, k.start)
		return
	}
	if i.renew {
		i.cmd = pipe.Eval(ctx, scriptRenew, keys, k.start, (i.e.keep + renewal(i.e.keep)).Milliseconds())
		return
	}
	s := i.e.of.Session()
	i.keep = s.Keep
	lasts := s.Keep
	if !i.over {
		lasts += renewal(s.Keep)
	}
	text, err := encode(&s, k.opts.Server)
	if err != nil || len(text) > maxSession {
		if err == nil {
			err = &packet.Error{Limit: packet.LimitBytes, Max: maxSession}
		}
		k.opts.Logger.Warn("a client's session cannot be kept: what it is in, or what is kept for it, cannot be written",
			"error", err, "cause", causes.Away)
		i.discard = true
		i.cmd = pipe.Eval(ctx, scriptDiscard, keys, k.start)
		return
	}
	i.cmd = pipe.Eval(ctx, scriptSave, keys, k.start, text, lasts.Milliseconds())
}

// settleLocked takes Redis' answer. An error is one that another attempt may not meet.
func (k *Keeper) settleLocked(i *item) error {
	e := i.e
	if k.kept[e.pid] != e || e.lost {
		return nil
	}
	result, err := i.cmd.Int()
	switch {
	case err != nil && !isOfKey(err):
		return err
	case err != nil || result == notMine:
		k.loseLocked(e)
		return nil
	case i.renew && result == missing: // Redis has lost it
		e.changed++
		k.queueLocked(e)
		return nil
	case i.discard:
		k.removeLocked(e)
		return nil
	}
	e.renewed = time.Now()
	if !i.renew {
		e.keep, e.written = i.keep, i.change
	}
	e.tellLocked()
	if e.over && e.written == e.changed {
		k.removeLocked(e)
	}
	return nil
}

// isOfKey reports whether an error is about what stands under a key, where somebody has put
// something else.
func isOfKey(err error) bool {
	var reply redis.Error
	return errors.As(err, &reply) && strings.Contains(reply.Error(), "WRONGTYPE")
}
