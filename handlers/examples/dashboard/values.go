package main

import (
	"runtime/metrics"
	"time"
)

// Values is what the event "values" carries.
type Values struct {
	Clients    int64   `json:"clients"`
	Goroutines uint64  `json:"goroutines"`
	HeapMiB    float64 `json:"heapMiB"`
	Uptime     int64   `json:"uptime"` // seconds
}

// measure stops nobody, as runtime.ReadMemStats would.
func (d *dashboard) measure() Values {
	samples := []metrics.Sample{
		{Name: "/sched/goroutines:goroutines"},
		{Name: "/memory/classes/heap/objects:bytes"},
	}
	metrics.Read(samples)
	v := Values{Clients: d.clients.Load(), Uptime: int64(time.Since(d.begun).Seconds())}
	if s := samples[0].Value; s.Kind() == metrics.KindUint64 {
		v.Goroutines = s.Uint64()
	}
	if s := samples[1].Value; s.Kind() == metrics.KindUint64 {
		v.HeapMiB = float64(s.Uint64()) / (1 << 20)
	}
	return v
}
