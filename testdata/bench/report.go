//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// result is all of what a run found.
type result struct {
	Machine  machine
	Begun    time.Time
	Took     string
	Rounds   int
	Each     string // of one server in one round
	Quick    bool
	Notes    []string
	Samples  []sample
	rows     []row // those that were run, in the order of the table
	verdicts []verdict
}

// verdict is a target and what came of it.
type verdict struct {
	row string
	target
	ratio, low, high float64 // the median of the ratios within a round, and their range
	met              bool
}

func newResult(m machine, s *suite, begun time.Time, quick bool) *result {
	r := &result{Machine: m, Begun: begun, Took: time.Since(begun).Round(time.Second).String(), Rounds: s.rounds,
		Each: s.each.String(), Quick: quick, Notes: s.notes, Samples: s.samples}
	for _, row := range allRows(s.idle) {
		if !slices.ContainsFunc(s.samples, func(x sample) bool { return x.Row == row.name }) {
			continue
		}
		r.rows = append(r.rows, row)
		for _, t := range row.targets {
			ratios := r.ratios(ours, row.name, t.metric, t.against)
			if len(ratios) == 0 {
				continue
			}
			v := verdict{row: row.name, target: t, ratio: median(ratios), low: slices.Min(ratios), high: slices.Max(ratios)}
			v.met = t.least > 0 && v.ratio >= t.least || t.most > 0 && v.ratio <= t.most
			r.verdicts = append(r.verdicts, v)
		}
	}
	return r
}

// values are what was measured, by round.
func (r *result) values(row, metric, server string) map[int]float64 {
	all := map[int]float64{}
	for _, s := range r.Samples {
		if v, ok := s.Values[metric]; ok && s.Row == row && s.Server == server {
			all[s.Round] = v
		}
	}
	return all
}

// ratios are one server's values to another's, within each round that has both.
func (r *result) ratios(server, row, metric, against string) []float64 {
	var all []float64
	others := r.values(row, metric, against)
	for round, v := range r.values(row, metric, server) {
		if o, ok := others[round]; ok {
			all = append(all, v/o)
		}
	}
	return all
}

// median is not ok without values.
func (r *result) median(row, metric, server string) (v float64, ok bool) {
	var all []float64
	for _, v := range r.values(row, metric, server) {
		all = append(all, v)
	}
	return median(all), len(all) > 0
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	n := len(v)
	if n == 0 {
		return 0
	}
	return (v[(n-1)/2] + v[n/2]) / 2
}

// number writes v with three digits.
func number(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	case v >= 1:
		return fmt.Sprintf("%.2f", v)
	default:
		return fmt.Sprintf("%.3f", v)
	}
}

// write writes the files of the result.
func (r *result) write(folder string) error {
	raw, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	var errs []error
	for name, text := range map[string]string{"result.json": string(raw) + "\n", "result.md": r.markdown(), "result.svg": r.chart()} {
		errs = append(errs, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644))
	}
	return errors.Join(errs...)
}
