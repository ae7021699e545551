package sessions

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"hipflask/server/internal/causes"
	"hipflask/server/internal/cluster/nodewire"
	"hipflask/server/internal/fanout"
)

// scriptTake takes a session over: one of a Hipflask server becomes this server's, one of Node's,
// which writes it when its client is gone, is removed as Node would. It stays for as long as a
// client takes to be connected. ARGV: how this server's sessions begin, how those of all do, the
// longest that is read, milliseconds.
const scriptTake = `local n=redis.call('STRLEN',KEYS[1])
if n==0 then return false end
if n>tonumber(ARGV[3]) then redis.call('DEL',KEYS[1]) return '' end
local s=redis.call('GET',KEYS[1])
if string.sub(s,1,#ARGV[2])==ARGV[2] and n>=#ARGV[1] then
redis.call('SETRANGE',KEYS[1],0,ARGV[1]) redis.call('PEXPIRE',KEYS[1],ARGV[4])
else redis.call('DEL',KEYS[1]) end
return s`

// Take takes over the session of a client that comes back: see [fanout.Sessions].
func (st *Store) Take(namespace, pid string) (*fanout.Session, fanout.Outcome) {
	ctx, cancel := context.WithTimeout(st.life, takeTime)
	defer cancel()
	select {
	case st.takes <- struct{}{}:
	case <-ctx.Done():
		return nil, fanout.Unknown
	}
	text, outcome := st.fetch(ctx, pid)
	<-st.takes
	if outcome != "" {
		return nil, outcome
	}
	s, server, err := decode(text)
	if err != nil {
		return nil, st.refuse(err)
	}
	outcome = fanout.FromHere
	if server != st.opts.Server {
		outcome = fanout.FromOther
	}
	if server != st.opts.Server && server != "" {
		newer, gone := st.ask(server, pid)
		switch {
		case gone:
			return nil, fanout.NotFound
		case newer != nil:
			s = newer
		}
	}
	if s.PID != pid || s.Namespace != "" && s.Namespace != namespace {
		return nil, st.refuse(errOther)
	}
	return s, outcome
}

// fetch takes over what Redis has of a session. An outcome is why there is none.
func (st *Store) fetch(ctx context.Context, pid string) (text string, outcome fanout.Outcome) {
	if !st.awaitWritten(ctx, pid) {
		return "", fanout.Unknown
	}
	text, err := st.opts.Redis.Eval(ctx, scriptTake, []string{nodewire.SessionKey(st.opts.Prefix, pid)},
		st.start, st.head, maxSession, takenFor.Milliseconds()).Text()
	switch {
	case errors.Is(err, redis.Nil):
		return "", fanout.NotFound
	case err != nil && isOfKey(err):
		return "", st.refuse(errNoText)
	case err != nil:
		st.opts.Logger.Warn("a client that came back is a new one: Redis does not tell its session", "error", shortened(err),
			"cause", causes.Away)
		return "", fanout.Unknown
	}
	return text, ""
}

var (
	errNoText = errors.New("the key holds no text")
	errOther  = errors.New("it is another client's, or of another namespace")
)

// refuse logs why a session in Redis is none.
func (st *Store) refuse(why error) fanout.Outcome {
	st.opts.Logger.Warn("a client that came back is a new one: its session in Redis cannot be used", "error", shortened(why),
		"cause", causes.Away)
	return fanout.Unreadable
}

// awaitWritten waits until what this server has of a session is written: its client may have come
// back to the same. It reports false for one that is not in time.
func (st *Store) awaitWritten(ctx context.Context, pid string) bool {
	st.mu.Lock()
	e := st.kept[pid]
	st.mu.Unlock()
	if e == nil {
		return true
	}
	timeout := time.NewTimer(saveTime)
	defer timeout.Stop()
	written := func() bool { return st.kept[pid] != e || e.lost || !e.over && !e.discard }
	return st.await(e, timeout.C, func() bool { return st.away || written() }) && st.locked(written) && ctx.Err() == nil
}

// locked calls fn with the mutex held.
func (st *Store) locked(fn func() bool) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	return fn()
}
