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

// What is done to a key in one step. Each is for a session that this server has, or nobody: one
// that is missing may have gone with what Redis had, and is written again. ARGV[1] is how this
// server's sessions begin.
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

// Run writes what changes, and renews what does not, until the store is closed.
func (st *Store) Run() {
	defer close(st.done)
	tick := time.NewTicker(shortestRenewal)
	defer tick.Stop()
	wait := firstPause
	for {
		batch, closed := st.due()
		switch {
		case len(batch) == 0 && closed:
			return
		case len(batch) == 0:
			select {
			case <-st.more:
			case <-tick.C:
				st.look()
			case <-st.life.Done():
				return
			}
			continue
		}
		if err := st.write(batch); err == nil {
			wait = firstPause
			continue
		}
		select {
		case <-time.After(wait/2 + rand.N(wait/2)):
		case <-st.life.Done():
			return
		}
		wait = min(2*wait, longestPause)
	}
}

// Close has what changed written, for as long as ctx lasts. Other servers are answered until Stop.
func (st *Store) Close(ctx context.Context) {
	st.mu.Lock()
	st.closed = true
	st.mu.Unlock()
	select {
	case st.more <- struct{}{}:
	default:
	}
	select {
	case <-st.done:
	case <-ctx.Done():
	}
}

// Stop ends all that goes on, Run among it.
func (st *Store) Stop() { st.end() }

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
func (st *Store) due() (batch []*item, closed bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for len(st.queue) > 0 && len(batch) < maxBatch {
		e := st.queue[0]
		st.queue[0] = nil
		st.queue = st.queue[1:]
		e.queued = false
		switch {
		case st.kept[e.pid] != e || e.lost:
		case e.discard, e.written < e.changed:
			batch = append(batch, &item{e: e, change: e.changed, discard: e.discard, over: e.over})
		default:
			batch = append(batch, &item{e: e, renew: true})
		}
	}
	return batch, st.closed
}

// look queues what has to be renewed, and forgets what is of no use any more.
func (st *Store) look() {
	st.mu.Lock()
	defer st.mu.Unlock()
	now := time.Now()
	for _, e := range st.kept {
		switch {
		case e.over && e.keep > 0 && now.Sub(e.overAt) > e.keep: // Redis was away for too long
			st.removeLocked(e)
		case e.over && e.lost && now.Sub(e.overAt) > askTime: // who has it has asked by now
			st.removeLocked(e)
		case !e.over && !e.lost && e.keep > 0 && now.Sub(e.renewed) > renewal(e.keep):
			st.queueLocked(e)
		}
	}
}

// renewal is how often a session is renewed that may be gone for so long.
func renewal(keep time.Duration) time.Duration {
	return min(max(keep/3, shortestRenewal), longestRenewal)
}

// write writes a batch. What Redis did not take is due again.
func (st *Store) write(batch []*item) error {
	ctx, cancel := context.WithTimeout(st.life, writeTime)
	defer cancel()
	pipe := st.opts.Redis.Pipeline()
	for _, i := range batch {
		st.prepare(ctx, pipe, i)
	}
	_, _ = pipe.Exec(ctx) // each command has its error
	st.mu.Lock()
	defer st.mu.Unlock()
	var failed error
	for _, i := range batch {
		if err := st.finishLocked(i); err != nil {
			failed = err
			st.queueLocked(i.e)
		}
	}
	st.noteLocked(failed)
	return failed
}

// prepare adds an item's command.
func (st *Store) prepare(ctx context.Context, pipe redis.Pipeliner, i *item) {
	keys := []string{nodewire.SessionKey(st.opts.Prefix, i.e.pid)}
	if i.discard {
		i.cmd = pipe.Eval(ctx, scriptDiscard, keys, st.start)
		return
	}
	if i.renew {
		i.cmd = pipe.Eval(ctx, scriptRenew, keys, st.start, (i.e.keep + renewal(i.e.keep)).Milliseconds())
		return
	}
	s := i.e.of.Session()
	i.keep = s.Keep
	lasts := s.Keep
	if !i.over {
		lasts += renewal(s.Keep)
	}
	text, err := encode(&s, st.opts.Server)
	if err != nil || len(text) > maxSession {
		if err == nil {
			err = &packet.Error{Limit: packet.LimitBytes, Max: maxSession}
		}
		st.opts.Logger.Warn("a client's session cannot be kept: what it is in, or what is kept for it, cannot be written",
			"error", err, "cause", causes.Away)
		i.discard = true
		i.cmd = pipe.Eval(ctx, scriptDiscard, keys, st.start)
		return
	}
	i.cmd = pipe.Eval(ctx, scriptSave, keys, st.start, text, lasts.Milliseconds())
}

// finishLocked evaluates Redis' answer to an item. It returns an error where another attempt may
// succeed.
func (st *Store) finishLocked(i *item) error {
	e := i.e
	if st.kept[e.pid] != e || e.lost {
		return nil
	}
	result, err := i.cmd.Int()
	switch {
	case err != nil && !isOfKey(err):
		return err
	case err != nil || result == notMine:
		st.loseLocked(e)
		return nil
	case i.renew && result == missing: // Redis has lost it
		e.changed++
		st.queueLocked(e)
		return nil
	case i.discard:
		st.removeLocked(e)
		return nil
	}
	e.renewed = time.Now()
	if !i.renew {
		e.keep, e.written = i.keep, i.change
	}
	e.notifyLocked()
	if e.over && e.written == e.changed {
		st.removeLocked(e)
	}
	return nil
}

// isOfKey reports whether an error is about what stands under a key, where somebody has put
// something else.
func isOfKey(err error) bool {
	var reply redis.Error
	return errors.As(err, &reply) && strings.Contains(reply.Error(), "WRONGTYPE")
}
