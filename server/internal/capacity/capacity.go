// Package capacity owns what all clients together may use: sessions, WebSockets, connections and
// memory, as the settings and the machine have it.
package capacity

import (
	"fmt"
	"log/slog"
	"os"

	"hipflask/server/internal/config"
	"hipflask/server/internal/engineio"
	"hipflask/server/internal/machine"
)

// What auto derives from the machine.
const (
	// assumedMemory is how much memory is assumed where the machine does not report it.
	assumedMemory = 1 << 30
	// clientsShare of the memory is for what clients hold at a time, sessionsShare for their
	// sessions. The rest is garbage that is not collected yet, and the handlers'.
	clientsShare  = 4
	sessionsShare = 2
	// sessionCost is what a session takes that is open and quiet, at most, its garbage included.
	// Measured over 6000 of them, polling or on WebSockets: 8 and 9 KiB with the header that
	// browsers send, 21 and 22 KiB with the 8 KiB that are kept of a longer one. A URL may add 20
	// KiB, and as much garbage.
	sessionCost = 64 << 10

	// Of the files, these are kept back for what is no client's connection: the address for health
	// and metrics, Redis, the certificate, the program's own.
	leastKept, mostKept = 64, 1024
	keptShare           = 16
	// And of what is left, these are no WebSocket's, so that polls are answered, and so are clients
	// that are refused.
	leastRequests, mostRequests = 16, 1024
	requestsShare               = 16

	// In a cluster, a third of what is left is for connections to other servers: behind a load
	// balancer that sends requests anywhere most are passed on, over another connection. Without a
	// limit there, so many are passed on at a time at most.
	othersShare  = 3
	mostForwards = 10_000
)

// Capacity is what all clients together may use. 0 is no limit.
type Capacity struct {
	ForClients int64 // bytes of memory
	Open       int   // accepted connections

	memory     machine.Memory
	files      int // that may be open
	sessions   int
	webSockets int
}

// Here is the capacity of the machine that this is.
func Here(cfg *config.Config) Capacity {
	return of(cfg, machine.LookUpMemory(os.DirFS("/")), machine.Files())
}

func of(cfg *config.Config, memory machine.Memory, files int) Capacity {
	c := Capacity{memory: memory, files: files,
		ForClients: cfg.MaxMemoryForClients, sessions: cfg.MaxConnections, Open: cfg.MaxOpenConnections}
	if memory.Bytes == 0 {
		memory.Bytes = assumedMemory
	}
	if c.ForClients == config.Auto {
		c.ForClients = max(1, memory.Bytes/clientsShare)
	}
	forConnections := 0
	if files > 0 {
		forConnections = max(1, files-min(share(files, keptShare, leastKept, mostKept), files/2))
	}
	if c.Open == config.Auto {
		if c.Open = forConnections; cfg.MessageQueue != "" && cfg.ClusterURL != config.ClusterURLOff {
			c.Open = max(1, c.Open-c.Open/othersShare)
		}
	}
	if c.sessions == config.Auto {
		c.sessions = int(min(max(1, memory.Bytes/sessionsShare/sessionCost), 1<<30))
		if c.Open > 0 {
			c.webSockets = max(1, c.Open-min(share(c.Open, requestsShare, leastRequests, mostRequests), c.Open/2))
		}
	}
	return c
}

// share is one part in so many of n, within these bounds.
func share(n, parts, least, most int) int { return min(max(n/parts, least), most) }

// String is a line for people.
func (c Capacity) String() string {
	return fmt.Sprintf("clients: %s, on WebSockets: %s, open connections: %s, memory for clients: %s; open files: %s, memory: %s (%s)",
		orOff(c.sessions), orOff(c.webSockets), orOff(c.Open), mebibytes(c.ForClients),
		orOff(c.files), mebibytes(c.memory.Bytes), c.memory.Source)
}

func orOff(n int) string {
	if n == 0 {
		return "no limit"
	}
	return fmt.Sprint(n)
}

func mebibytes(n int64) string {
	if n == 0 {
		return "no limit"
	}
	return fmt.Sprintf("%d MiB", n>>20)
}

// Tell logs the numbers, and warns where they will not do.
func (c Capacity) Tell(log *slog.Logger, cfg *config.Config) {
	log.Info("limits for all clients, 0 for none", "clients", c.sessions, "websockets", c.webSockets, "open_connections", c.Open,
		"memory_for_clients", c.ForClients, "files", c.files, "memory", c.memory.Bytes, "memory_from", c.memory.Source)
	noteFiles(log, cfg.MaxConnections, c.files)
	// What is not whole yet may hold half of the memory for clients.
	if event := int64(cfg.MaxAttachments+1) * cfg.MaxHTTPBufferSize; c.ForClients > 0 && c.ForClients/2 < event {
		log.Warn("the largest event that a client may send does not fit into the memory for clients", "event", event,
			"limit", c.ForClients, "cause", CauseEvent)
	}
}

// Forwards is how many requests may be under way to all other servers of a cluster, and to one of
// them.
func (c Capacity) Forwards() (most, each int) {
	if c.Open == 0 {
		return mostForwards, mostForwards * 2 / 3
	}
	return max(c.Open/2, leastRequests), max(c.Open/3, leastRequests)
}

// Bounds are the limits as the engine takes them.
func (c Capacity) Bounds(cfg *config.Config) engineio.Bounds {
	return engineio.Bounds{
		Connections:           c.sessions,
		WebSockets:            c.webSockets,
		ConnectionsPerAddress: cfg.MaxConnectionsPerAddress,
		Handshakes:            cfg.MaxHandshakesPerSecond,
		Messages:              cfg.MaxMessagesPerSecond,
		Bytes:                 int(cfg.MaxBytesPerSecond),
	}
}

// fewFiles is a limit on open files that a busy server meets: each client is one, one that polls
// for moments two.
const fewFiles = 4000

// What the log's lines name as their cause, and as which bound of it, for those who know the
// settings.
const (
	CauseEvent   = "largest event" // does not fit into the memory for clients
	CauseFiles   = "open files"    // too few
	BoundClients = "clients"       // fewer than the clients that may connect
	BoundFiles   = "files"         // none is left
)

// noteFiles warns if fewer files may be open, 0 for unknown, than the clients will need.
func noteFiles(log *slog.Logger, maxConnections, limit int) {
	switch {
	case limit == 0:
	case maxConnections > 0 && limit < maxConnections+leastKept:
		log.Warn("fewer files may be open than clients may connect", "limit", limit,
			"max_connections", maxConnections, "cause", CauseFiles, "bound", BoundClients)
	case maxConnections <= 0 && limit < fewFiles:
		log.Warn("few files may be open, and each client is one", "limit", limit, "cause", CauseFiles)
	}
}
