package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// rows are the lines of the table, in order.
var rows = []string{
	rowSmall, rowLarge, rowQueued, rowEcho, rowHeap, rowRSS,
}

const (
	rowSmall  = "broadcast of 64 B to 500: CPU µs a frame"
	rowLarge  = "broadcast of 16 KiB to 500: CPU µs a frame"
	rowQueued = "16 queued frames of 64 B, to 500: CPU µs a frame"
	rowEcho   = "echo of 64 B, 100 clients: CPU µs a message"
	rowHeap   = "idle connection, at 5000: KiB of heap and stack"
	rowRSS    = "idle connection, at 5000: KiB resident"
)

// table collects what was measured: row, then server, then one value a round.
type table struct {
	values map[string]map[string][]float64
}

func newTable() *table {
	t := &table{values: map[string]map[string][]float64{}}
	for _, r := range rows {
		t.values[r] = map[string][]float64{}
	}
	return t
}

func (t *table) add(row, name string, v float64) {
	t.values[row][name] = append(t.values[row][name], v)
}

// print writes the medians over all rounds, and in brackets the median of the ratios to ours in the
// same round.
func (t *table) print(w io.Writer) {
	fmt.Fprint(w, "| |")
	for _, v := range variants {
		fmt.Fprintf(w, " %s |", v.name)
	}
	fmt.Fprintf(w, "\n|---|%s\n", strings.Repeat("---|", len(variants)))
	for _, row := range rows {
		fmt.Fprintf(w, "| %s |", row)
		ours := t.values[row][variants[0].name]
		for _, v := range variants {
			values := t.values[row][v.name]
			ratios := make([]float64, len(values))
			for i := range values {
				ratios[i] = values[i] / ours[i]
			}
			fmt.Fprintf(w, " %.2f (%.2f) |", median(values), median(ratios))
		}
		fmt.Fprintln(w)
	}
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	n := len(v)
	if n == 0 {
		return 0
	}
	return (v[(n-1)/2] + v[n/2]) / 2
}
