//go:build linux

package main

import "time"

// The servers, in the order in which they are shown.
const (
	ours    = "Hipflask"
	node    = "Node"
	flask   = "Flask"
	ceiling = "ceiling"
)

var servers = []string{ours, node, flask, ceiling}

// What is measured.
const (
	cpu  = "CPU"
	rate = "rate"
	p50  = "p50"
	p99  = "p99"
	kib  = "memory"
)

var metrics = []string{cpu, rate, p50, p99, kib}

// units are shown behind the metrics' names.
var units = map[string]string{
	cpu: "µs a delivery", rate: "deliveries/s", p50: "ms", p99: "ms", kib: "KiB a connection",
}

// row is one kind of work.
type row struct {
	name      string
	senders   int // clients that send
	inFlight  int // messages each of them has on its way
	t         template
	perSecond int // messages in an open loop; 0: a closed one
	trips     bool
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

// group is the rows that share servers and clients.
type group struct {
	clients int
	half    bool   // every second client polls
	without string // a server that cannot do it
	budget  time.Duration
	rows    []row
}

var worked = []string{cpu, rate}

// thanFlask holds in every row that has a rate of its own.
var thanFlask = target{metric: rate, against: flask, least: 5}

func groups() []group {
	return []group{
		oneInFlight(100, 120*time.Second),
		oneInFlight(1000, 150*time.Second),
		{clients: 500, budget: 170 * time.Second, rows: []row{
			{name: "broadcast of 32 B to 500, 16 in flight", senders: 4, inFlight: 4, t: textMessage(32), metrics: worked, targets: []target{
				{metric: cpu, against: node, most: 0.1}, {metric: rate, against: node, least: 10},
				{metric: cpu, against: ceiling, most: 0.25}, thanFlask,
			}},
			{name: "JSON objects to 500, 8 in flight", senders: 4, inFlight: 2, t: objectMessage(), metrics: worked, targets: []target{
				{metric: cpu, against: node, most: 0.1}, thanFlask,
			}},
			{name: "open loop, 100 messages/s to 500", senders: 500, perSecond: 100, t: textMessage(32), metrics: []string{p50, p99, cpu}, targets: []target{
				{metric: p99, against: node, most: 0.25},
			}},
		}},
		{clients: 100, budget: 40 * time.Second, rows: []row{
			{name: "round trips of 100 clients", trips: true, metrics: worked, targets: []target{
				{metric: cpu, against: node, most: 0.4}, {metric: rate, against: node, least: 2.5},
				{metric: cpu, against: ceiling, most: 1.3}, thanFlask,
			}},
		}},
		{clients: 200, half: true, without: ceiling, budget: 40 * time.Second, rows: []row{
			{name: "mixed audience, 100 polling, 100 WebSocket", senders: 1, inFlight: 1, t: textMessage(32), metrics: worked, targets: []target{
				{metric: cpu, against: node, most: 0.7}, thanFlask,
			}},
		}},
	}
}

// oneInFlight is broadcasts of which one follows the other when all have it.
func oneInFlight(clients int, budget time.Duration) group {
	targets := []target{
		{metric: cpu, against: node, most: 0.65}, {metric: rate, against: node, least: 1.5},
		{metric: cpu, against: ceiling, most: 1.15}, thanFlask,
	}
	g := group{clients: clients, budget: budget}
	for _, size := range []struct {
		name  string
		bytes int
	}{{"32 B", 32}, {"1 KiB", 1 << 10}, {"16 KiB", 16 << 10}} {
		g.rows = append(g.rows, row{name: broadcastRow(size.name, clients), senders: 1, inFlight: 1, t: textMessage(size.bytes),
			metrics: worked, targets: targets})
	}
	return g
}

// allRows lists every row, in the order of the table.
func allRows(idle []int) []row {
	var all []row
	for _, g := range groups() {
		all = append(all, g.rows...)
	}
	all = append(all, row{name: openingRow(idle[0]), metrics: worked,
		targets: []target{{metric: rate, against: node, least: 3}, thanFlask}})
	for _, n := range idle {
		all = append(all, row{name: idleRow(n), metrics: []string{kib},
			targets: []target{{metric: kib, against: node, most: 1}}})
	}
	return all
}
