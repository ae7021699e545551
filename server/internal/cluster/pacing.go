package cluster

import (
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"hipflask/server/internal/fanout"
	"hipflask/server/internal/offset"
)

// What has waited while Redis was away, or while this server was cut off from it, is many times
// what may wait for one client (--max-backlog). Delivered as fast as it can be read, it would have
// clients dropped as slow that keep up with what is emitted otherwise.
//
// So the reader of the stream waits for them, for a short time in all, so that a client that does
// not read at all holds nobody up for long; and only behind an outage, which no client can bring
// about.
const (
	pacePiece = 64 << 10               // bytes that are delivered between two looks at the clients
	paceStep  = 250 * time.Millisecond // how long one look waits for who is behind
	paceTotal = 10 * time.Second       // how long all of them wait, after one outage
	paceAfter = 30 * time.Second       // how long after it they may
	paceTick  = 2 * time.Millisecond
	paceSlack = 1000 // entries that have to be kept before the reader's, so that it may wait
)

// pacer is the reader's, for one connection.
type pacer struct {
	*Cluster
	conn    *redis.Conn
	left    time.Duration // that may still be waited
	turned  time.Time     // when the outage that left is for began or ended
	bytes   int           // since the last look
	entries int           // since later was set

	// The reader was at these entries at least paceSlack entries ago, and since then.
	earlier, later offset.ID
}

// newPacer makes the pacer of a connection. The first one has nothing to catch up with.
func (c *Cluster) newPacer(conn *redis.Conn) *pacer {
	_, turned := c.health.outage()
	p := &pacer{Cluster: c, conn: conn, turned: turned}
	if s := c.stream; s.begun {
		p.left, p.earlier, p.later = paceTotal, s.mark.Read, s.mark.Read
	}
	return p
}

// delivered is called behind each entry, and waits where clients are behind.
func (p *pacer) delivered(bytes int) {
	if p.entries++; p.entries >= paceSlack {
		p.earlier, p.later, p.entries = p.later, p.stream.mark.Read, 0
	}
	if p.bytes += bytes; p.bytes < pacePiece {
		return
	}
	p.bytes = 0
	if p.isAfterOutage() && p.isBehind() && p.mayWait() {
		p.wait()
	}
}

// isAfterOutage reports whether what is read now may have waited for Redis, whoever wrote it. It may
// be read before this server's writer knows that the outage is over, so one that goes on counts.
func (p *pacer) isAfterOutage() bool {
	away, turned := p.health.outage()
	if !turned.Equal(p.turned) { // also one that only kept entries from being written
		p.turned, p.left = turned, paceTotal
	}
	return p.left > 0 && (away || time.Since(turned) < paceAfter)
}

// wait gives those who are behind a moment.
func (p *pacer) wait() {
	begun := time.Now()
	for p.life.Err() == nil && time.Since(begun) < min(paceStep, p.left) && p.isBehind() {
		pause(p.life, paceTick)
	}
	p.left -= time.Since(begun)
}

func (p *pacer) isBehind() bool {
	return slices.ContainsFunc(p.adapters(), (*fanout.Adapter).IsBehind)
}

// mayWait reports whether the stream is far from losing what is still to be read, by what other
// servers write meanwhile.
func (p *pacer) mayWait() bool {
	tail, err := p.stream.log.Tail(p.life, p.conn)
	return err == nil && (tail.Kept <= p.stream.log.Length/2 || tail.First.Compare(p.earlier) < 0)
}
