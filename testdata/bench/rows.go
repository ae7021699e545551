//go:build linux

package main

import (
	"fmt"
	"time"
)

// The servers, in the order in which they are shown.
const (
	ours    = "Hipflask"
	bun     = "Bun"
	node    = "Node"
	flask   = "Flask"
	uvicorn = "uvicorn"
	ceiling = "ceiling"
)

var servers = []string{ours, bun, node, flask, uvicorn, ceiling}

// slow reports whether a server is so far behind that a third of the rounds tells enough.
func slow(server string) bool { return server == flask || server == uvicorn }

// What is measured.
const (
	cpu  = "CPU"
	rate = "rate"
	p50  = "p50"
	p99  = "p99"
	wire = "traffic"
	kib  = "memory"
)

var metrics = []string{cpu, rate, p50, p99, wire, kib}

// units are shown behind the metrics' names.
var units = map[string]string{
	cpu: "µs a delivery", rate: "deliveries/s", p50: "ms", p99: "ms", wire: "bytes a delivery", kib: "KiB a connection",
}

// row is one kind of work.
type row struct {
	name      string
	senders   int // clients that send
	inFlight  int // messages each of them has on its way
	every     int // of the senders, only every so manieth sends; 0: each does
	t         template
	perSecond int // messages in an open loop; 0: a closed one
	trips     bool
	packed    int // bytes of JSON that come compressed; 0: none do
	metrics   []string
	targets   []target
}

// target is what the ratio of ours to another server should be.
type target struct {
	metric  string
	against string
	most    float64 // 0: least counts
	least   float64
}

// mode is how servers are started.
type mode string

const (
	plain      mode = ""
	encrypted  mode = "TLS"
	compressed mode = "compression"
)

// serversIn are the servers that are measured in a mode.
func serversIn(m mode) []string {
	switch m {
	case encrypted:
		return []string{ours, bun, node}
	case compressed:
		return []string{ours, node} // bun-engine has no setting for it
	default:
		return servers
	}
}

// group is the rows that share servers and clients.
type group struct {
	clients int
	polls   func(client int) bool // nil: none does
	room    int                   // clients in a room; 0: there are no rooms
	mode    mode
	without string // a server that cannot do it
	budget  time.Duration
	rows    []row
}

var worked = []string{cpu, rate}

// These hold in every row that has what they compare.
var (
	thanBun   = target{metric: cpu, against: bun, most: 1}
	thanFlask = target{metric: rate, against: flask, least: 5}
)

func groups() []group {
	return []group{
		oneInFlight(10, 60*time.Second, 32),
		oneInFlight(100, 140*time.Second, 32, 1<<10, 16<<10),
		oneInFlight(1000, 150*time.Second, 32, 1<<10, 16<<10),
		{clients: 500, budget: 150 * time.Second, rows: []row{
			{name: "broadcast of 32 B to 500, 16 in flight", senders: 4, inFlight: 4, t: textMessage(32), metrics: worked, targets: []target{
				{metric: cpu, against: node, most: 0.1}, {metric: rate, against: node, least: 10},
				{metric: cpu, against: ceiling, most: 0.25}, thanBun, thanFlask,
			}},
			{name: "JSON objects to 500, 8 in flight", senders: 4, inFlight: 2, t: objectMessage(), metrics: worked, targets: []target{
				{metric: cpu, against: node, most: 0.1}, thanBun, thanFlask,
			}},
			{name: "open loop, 100 messages/s to 500", senders: 500, perSecond: 100, t: textMessage(32), metrics: []string{p50, p99, cpu}, targets: []target{
				{metric: p99, against: node, most: 0.25}, thanBun,
			}},
		}},
		{clients: 1000, room: 10, without: ceiling, budget: 60 * time.Second, rows: []row{
			{name: "100 rooms of 10, 2000 messages/s in all", senders: 1000, perSecond: 2000, t: textMessage(32), metrics: []string{p50, p99, cpu}, targets: []target{
				{metric: cpu, against: node, most: 0.65}, {metric: p99, against: node, most: 1}, thanBun, {metric: p99, against: bun, most: 1},
			}},
		}},
		{clients: 100, budget: 50 * time.Second, rows: []row{
			{name: "round trips of 100 clients", trips: true, metrics: worked, targets: []target{
				{metric: cpu, against: node, most: 0.4}, {metric: rate, against: node, least: 2.5},
				{metric: cpu, against: ceiling, most: 1.3}, thanBun, thanFlask,
			}},
		}},
		{clients: 200, polls: func(i int) bool { return i%2 == 1 }, without: ceiling, budget: 50 * time.Second, rows: []row{
			{name: "mixed audience, 100 polling, 100 WebSocket", senders: 1, inFlight: 1, t: textMessage(32), metrics: worked, targets: []target{
				{metric: cpu, against: node, most: 0.7}, thanBun, thanFlask,
			}},
		}},
		{clients: 102, polls: func(i int) bool { return i >= 2 }, without: ceiling, budget: 80 * time.Second, rows: []row{
			{name: "polling, 100 clients, one in flight", senders: 1, inFlight: 1, t: textMessage(32), metrics: worked, targets: []target{
				{metric: cpu, against: node, most: 1}, thanBun,
			}},
			{name: "polling, 100 clients, 32 in flight", senders: 2, inFlight: 16, t: textMessage(32), metrics: worked, targets: []target{
				{metric: cpu, against: node, most: 1}, thanBun,
			}},
		}},
		{clients: 100, mode: encrypted, budget: 60 * time.Second, rows: []row{overTLS("32 B", 32), overTLS("16 KiB", 16<<10)}},
		{clients: 200, mode: compressed, budget: 60 * time.Second, rows: []row{
			packedRow("1 KiB", 1<<10, 0.1), packedRow("16 KiB", 16<<10, 0.05)}},
	}
}

var sizes = map[int]string{32: "32 B", 1 << 10: "1 KiB", 16 << 10: "16 KiB"}

// oneInFlight is broadcasts of which one follows the other when all have it.
func oneInFlight(clients int, budget time.Duration, bytes ...int) group {
	g := group{clients: clients, budget: budget}
	for _, n := range bytes {
		g.rows = append(g.rows, row{name: broadcastRow(sizes[n], clients), senders: 1, inFlight: 1, t: textMessage(n),
			metrics: worked, targets: []target{
				{metric: cpu, against: node, most: 0.65}, {metric: rate, against: node, least: 1.5},
				{metric: cpu, against: ceiling, most: 1.15}, thanBun, thanFlask,
			}})
	}
	return g
}

func overTLS(size string, bytes int) row {
	return row{name: broadcastRow(size, 100) + ", TLS", senders: 1, inFlight: 1, t: textMessage(bytes), metrics: worked,
		targets: []target{{metric: cpu, against: node, most: 0.65}, thanBun}}
}

func packedRow(size string, bytes int, most float64) row {
	return row{name: fmt.Sprintf("JSON of %s to 200, compressed", size), senders: 1, packed: bytes, metrics: []string{cpu, wire},
		targets: []target{{metric: cpu, against: node, most: most}, {metric: wire, against: node, most: 1}}}
}

// allRows lists every row, in the order of the table.
func allRows(idle []int) []row {
	var all []row
	for _, g := range groups() {
		all = append(all, g.rows...)
	}
	all = append(all, row{name: openingRow(idle[0]), metrics: worked,
		targets: []target{{metric: rate, against: node, least: 3}, thanBun, thanFlask}})
	for _, n := range idle {
		all = append(all, idleRow(n, plain))
	}
	return append(all, idleRow(idleTLS, encrypted))
}
