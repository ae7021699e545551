//go:build linux

package main

import (
	"fmt"
	"slices"
	"strings"
)

// markdown is the result as it goes into a document.
func (r *result) markdown() string {
	var b strings.Builder
	if r.Quick {
		b.WriteString("**A quick look, no result: too short to be compared.**\n\n")
	}
	m := r.Machine
	fmt.Fprintf(&b, "%s. %s, %d rounds of %s each, %s in all.\n", m, r.Begun.UTC().Format("2 January 2006"), r.Rounds, r.Each, r.Took)
	r.measured(&b)
	r.wanted(&b)
	r.lost(&b)
	r.quiet(&b)
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "- %s\n", strings.ReplaceAll(n, "\n", " "))
	}
	return b.String()
}

// measured writes the medians.
func (r *result) measured(b *strings.Builder) {
	fmt.Fprintf(b, "\n| work | | %s |\n|---|---|%s\n", strings.Join(servers, " | "), strings.Repeat("---:|", len(servers)))
	for _, row := range r.rows {
		name := row.name
		for _, metric := range row.metrics {
			fmt.Fprintf(b, "| %s | %s, %s |", name, metric, unit(row, metric))
			name = ""
			for _, server := range servers {
				if v, ok := r.median(row.name, metric, server); ok {
					fmt.Fprintf(b, " %s |", number(v))
				} else {
					b.WriteString(" |")
				}
			}
			b.WriteString("\n")
		}
	}
}

// unit is what a metric is counted in.
func unit(r row, metric string) string {
	one, many := "delivery", "deliveries"
	switch {
	case r.trips:
		one, many = "round trip", "round trips"
	case strings.HasPrefix(r.name, "opening"):
		one, many = "connection", "connections"
	}
	return strings.NewReplacer("delivery", one, "deliveries", many).Replace(units[metric])
}

// wanted writes what should be, and whether it is.
func (r *result) wanted(b *strings.Builder) {
	if len(r.verdicts) == 0 {
		return
	}
	b.WriteString("\n| work | ratio | wanted | measured | lowest to highest | met |\n|---|---|---|---:|---|---|\n")
	last := ""
	for _, v := range r.verdicts {
		name, bound, met := v.row, fmt.Sprintf("at most %g", v.most), "no"
		if v.least > 0 {
			bound = fmt.Sprintf("at least %g", v.least)
		}
		if v.met {
			met = "yes"
		}
		if name == last {
			name = ""
		}
		last = v.row
		fmt.Fprintf(b, "| %s | %s to %s's | %s | %s | %s to %s | %s |\n",
			name, v.metric, v.against, bound, number(v.ratio), number(v.low), number(v.high), met)
	}
}

// lost writes how many messages were.
func (r *result) lost(b *strings.Builder) {
	type total struct{ delivered, lost, reordered int }
	totals := map[string]total{}
	for _, s := range r.Samples {
		if slices.ContainsFunc(r.rows, func(x row) bool { return x.name == s.Row && (x.trips || x.senders > 0) }) {
			t := totals[s.Server]
			totals[s.Server] = total{t.delivered + s.Delivered, t.lost + s.Lost, t.reordered + s.Reordered}
		}
	}
	if len(totals) == 0 {
		return
	}
	b.WriteString("\n| messages in all of it | delivered | lost | reordered |\n|---|---:|---:|---:|\n")
	for _, server := range servers {
		if t, ok := totals[server]; ok {
			fmt.Fprintf(b, "| %s | %d | %d | %d |\n", server, t.delivered, t.lost, t.reordered)
		}
	}
}

const (
	busy      = 0.85 // of a CPU, from which on the load generator may be the bottleneck
	disturbed = 0.10 // of the machine, from which on others may have disturbed the run
)

// quiet writes how much the load generator and others used, so that one sees whether they were in
// the way.
func (r *result) quiet(b *strings.Builder) {
	var generator, others []float64
	var most sample
	for _, s := range r.Samples {
		if s.Generator == 0 {
			continue
		}
		generator = append(generator, s.Generator)
		others = append(others, s.Others/float64(r.Machine.Cores))
		if s.Generator > most.Generator {
			most = s
		}
	}
	if len(generator) == 0 {
		return
	}
	fmt.Fprintf(b, "\n- The load generator, which has one thread, used %.2f CPUs in the median and %.2f at most (%s, %s).\n",
		median(generator), most.Generator, most.Row, most.Server)
	if most.Generator > busy {
		b.WriteString("- It may have been the bottleneck there, so that the rate is a lower bound.\n")
	}
	fmt.Fprintf(b, "- Other processes, the kernel's own work and the host took %.0f %% of the machine in the median, %.0f %% at most.\n",
		median(others)*100, slices.Max(others)*100)
	if median(others) > disturbed {
		b.WriteString("- **The machine was busy**: rates and latencies are worse than they would be, ratios less certain.\n")
	}
}
