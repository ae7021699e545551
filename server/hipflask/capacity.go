package hipflask

import (
	"fmt"
	"log/slog"

	"hipflask/server/internal/config"
	"hipflask/server/internal/engineio"
	"hipflask/server/internal/machine"
)

// What auto derives from the machine.
const (
	// assumedMemory is what is reckoned with where nobody knows.
	assumedMemory = 1 << 30
	// clientsShare of the memory is for what clients hold at a time, sessionsShare for
	// their sessions. The rest is garbage that is not collected yet, and the handlers'.
	clientsShare  = 4
	sessionsShare = 2
	// sessionCost is what a session takes that is open and quiet, at most, its garbage
	// included. Measured over 6000 of them, polling or on WebSockets: 8 and 9 KiB with the
	// header that browsers send, 21 and 22 KiB with the 8 KiB that are kept of a longer
	// one. A URL may add 20 KiB, and as much garbage.
	sessionCost = 64 << 10

	// Of the files, these are kept back for what is no client's connection: the address
	// for health and metrics, Redis, the certificate, the program's own.
	leastKept, mostKept = 64, 1024
	keptShare           = 16
	// And of what is left, these are no WebSocket's, so that polls are answered, and
	// clients that are refused are told.
	leastRequests, mostRequests = 16, 1024
	requestsShare               = 16
)

// capacity is what all clients together may use, as the settings and the machine have
// it. 0 is no limit.
type capacity struct {
	memory     machine.Memory
	files      int   // that may be open
	forClients int64 // bytes
	sessions   int
	webSockets int
	open       int // accepted connections
}

func newCapacity(cfg *config.Config, memory machine.Memory, files int) capacity {
	c := capacity{memory: memory, files: files,
		forClients: cfg.MaxMemoryForClients, sessions: cfg.MaxConnections, open: cfg.MaxOpenConnections}
	if memory.Bytes == 0 {
		memory.Bytes = assumedMemory
	}
	if c.forClients == config.Auto {
		c.forClients = max(1, memory.Bytes/clientsShare)
	}
	forConnections := 0
	if files > 0 {
		forConnections = max(1, files-min(share(files, keptShare, leastKept, mostKept), files/2))
	}
	if c.open == config.Auto {
		c.open = forConnections
	}
	if c.sessions == config.Auto {
		c.sessions = int(min(max(1, memory.Bytes/sessionsShare/sessionCost), 1<<30))
		if c.open > 0 {
			c.webSockets = max(1, c.open-min(share(c.open, requestsShare, leastRequests, mostRequests), c.open/2))
		}
	}
	return c
}

// share is one part in so many of n, within these bounds.
func share(n, parts, least, most int) int { return min(max(n/parts, least), most) }

// String is a line for people.
func (c capacity) String() string {
	return fmt.Sprintf("clients: %s, on WebSockets: %s, open connections: %s, memory for clients: %s; open files: %s, memory: %s (%s)",
		orOff(c.sessions), orOff(c.webSockets), orOff(c.open), mebibytes(c.forClients),
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

// tell logs the numbers, and warns where they will not do.
func (c capacity) tell(log *slog.Logger, cfg *config.Config) {
	log.Info("limits for all clients, 0 for none", "clients", c.sessions, "websockets", c.webSockets, "open_connections", c.open,
		"memory_for_clients", c.forClients, "files", c.files, "memory", c.memory.Bytes, "memory_from", c.memory.Source)
	noteFiles(log, cfg.MaxConnections, c.files)
	// What is not whole yet may hold half of the memory for clients.
	if event := int64(cfg.MaxAttachments+1) * cfg.MaxHTTPBufferSize; c.forClients > 0 && c.forClients/2 < event {
		log.Warn("the largest event that a client may send does not fit into the memory for clients", "event", event,
			"limit", c.forClients, "setting", "--max-memory-for-clients",
			"hint", "events that are so large will be refused; see --max-attachments and --max-http-buffer-size as well")
	}
}

func (c capacity) bounds(cfg *config.Config) engineio.Bounds {
	return engineio.Bounds{
		Connections:           c.sessions,
		WebSockets:            c.webSockets,
		ConnectionsPerAddress: cfg.MaxConnectionsPerAddress,
		Handshakes:            cfg.MaxHandshakesPerSecond,
		Messages:              cfg.MaxMessagesPerSecond,
		Bytes:                 int(cfg.MaxBytesPerSecond),
	}
}
