package cluster

import (
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"

	"hipflask/server/internal/cluster/nodewire"
	"hipflask/server/internal/cluster/streams"
	"hipflask/server/internal/offset"
)

// writeStream is the goroutine that writes into the stream. It ends when the queue is closed and
// empty, or with the cluster's life.
func (c *Cluster) writeStream() {
	s := c.stream
	w := writer{Cluster: c}
	defer w.close()
	for batch := s.queue.Take(c.life); len(batch) > 0; batch = s.queue.Take(c.life) {
		if batch = w.deliver(batch); len(batch) > 0 {
			break
		}
	}
	left, _, _ := s.queue.State()
	c.left.Add(int64(left))
}

// writer is the one connection that writes.
type writer struct {
	*Cluster
	conn    *redis.Conn // nil while there is none
	id      string      // what Redis calls it, or the one before; empty if it does not say
	address string      // from where it comes, for Redis

	confirmed offset.ID // the latest of ours that Redis has confirmed
	doubt     bool      // what the batch holds may have been written, and not confirmed
}

// deliver writes a batch, however often Redis goes away meanwhile. It returns what is left of it
// when the cluster's life ends before.
func (w *writer) deliver(batch []*streams.Item) []*streams.Item {
	var retry backoff
	tries := 0
	for len(batch) > 0 && w.health.awaitStream(w.life) == nil {
		err := w.write(batch)
		switch {
		case w.life.Err() != nil:
			return batch
		case err == nil:
			w.health.writes(nil)
			return nil
		case isHopeless(err):
			batch = w.giveUp(batch, err)
			continue
		case isGeneric(err), hungUp(err) && len(batch[0].Entry.Data) >= loneBytes: // it may be the reason
			if tries++; tries == maxTries {
				batch, tries = w.giveUp(batch, err), 0
				continue
			}
		}
		w.health.writes(err)
		w.link.LookAgain(w.life)
		if !w.doubt {
			batch = w.stream.queue.DropVolatile(batch)
		}
		retry.wait(w.life)
	}
	return batch
}

// giveUp gives up the first entry of a batch that Redis does not take, so that those behind it go
// on.
func (w *writer) giveUp(batch []*streams.Item, why error) []*streams.Item {
	w.log.Warn("entry given up: Redis does not take it", "stream", w.stream.log.Key, "bytes", len(batch[0].Entry.Data),
		"error", withoutArgs(why), "redis_setting", "proto-max-bulk-len, client-query-buffer-limit, ACL")
	w.stream.queue.Lost(batch[0])
	return batch[1:]
}

// write writes a batch, unless it finds that it has been written before.
func (w *writer) write(batch []*streams.Item) error {
	s := w.stream
	if err := w.connect(); err != nil {
		return err
	}
	entries := make([]nodewire.Entry, len(batch))
	for i, item := range batch {
		entries[i] = item.Entry
	}
	if w.doubt {
		ids, err := s.log.Find(w.life, w.conn, w.confirmed, entries)
		if err != nil {
			w.close()
			return err
		}
		w.doubt = false
		if ids != nil {
			w.confirm(batch, ids)
			return nil
		}
	}
	ids, err := s.log.Append(w.life, w.conn, entries)
	if err != nil {
		w.doubt = inDoubt(err)
		if !isHopeless(err) && !isGeneric(err) { // a server that is no master any more says so for ever
			w.close()
		}
		return err
	}
	w.confirm(batch, ids)
	return nil
}

// confirm notes where a batch stands in the stream.
func (w *writer) confirm(batch []*streams.Item, ids []offset.ID) {
	w.confirmed = ids[len(ids)-1]
	w.stream.wrote.Add(uint64(len(ids)))
	w.stream.queue.Written(batch, ids)
}

// connect opens the connection, if there is none. The one before is ended first, where something is
// in doubt: what it still has to say would else come after all.
func (w *writer) connect() error {
	if w.conn != nil {
		return nil
	}
	node, err := w.link.Node(w.life)
	if err != nil {
		return err
	}
	conn := node.Conn()
	info, err := conn.Do(w.life, "CLIENT", "INFO").Text()
	if err == nil && w.doubt && w.id != "" {
		err = conn.Do(w.life, "CLIENT", "KILL", "ID", w.id, "ADDR", w.address).Err()
	}
	var reply redis.Error
	if err != nil && !errors.As(err, &reply) { // without the right to, or before 6.2, it has to do without
		_ = conn.Close()
		return err
	}
	w.conn, w.id, w.address = conn, "", ""
	for _, field := range strings.Fields(info) {
		if id, ok := strings.CutPrefix(field, "id="); ok {
			w.id = id
		}
		if address, ok := strings.CutPrefix(field, "addr="); ok {
			w.address = address
		}
	}
	return nil
}

// close gives the connection up.
func (w *writer) close() {
	if w.conn != nil {
		_ = w.conn.Close()
		w.conn = nil
	}
}
