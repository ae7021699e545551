//go:build linux

package main

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// What the chart of growth looks like, in pixels: panels of one size, side by side.
const (
	panelWidth  = 280
	panelHeight = 190
	panelsInRow = 3
	marginLeft  = 46
	marginRight = 14
	marginTop   = 70
)

// chart draws a panel for each curve.
func (r *growthResult) chart() string {
	rows := (len(r.curves) + panelsInRow - 1) / panelsInRow
	width, height := panelsInRow*panelWidth, marginTop+rows*(panelHeight+60)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="system-ui, sans-serif" font-size="11">`+"\n",
		width, height, width, height)
	b.WriteString(`<rect width="100%" height="100%" fill="#fff"/>
<text x="20" y="26" font-size="16" font-weight="600" fill="#111827">Server CPU a delivery, in µs, as something grows</text>
`)
	for i, name := range growing {
		x := 24 + 90*float64(i)
		mark(&b, name, x, 44)
		fmt.Fprintf(&b, `<text x="%.0f" y="48" fill="#111827">%s</text>`+"\n", x+11, name)
	}
	for i, c := range r.curves {
		fmt.Fprintf(&b, `<g transform="translate(%d %d)">`+"\n", i%panelsInRow*panelWidth, marginTop+i/panelsInRow*(panelHeight+60))
		r.panel(&b, c, r.found[i])
		b.WriteString("</g>\n")
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func (r *growthResult) panel(b *strings.Builder, c curve, found []map[string]grown) {
	low, high := math.Inf(1), 0.0
	for _, at := range found {
		for _, g := range at {
			low, high = min(low, g.Cost), max(high, g.Cost)
		}
	}
	if high == 0 {
		return
	}
	x := func(i int) float64 { // all axes are logarithmic
		first, last := math.Log(float64(c.spots[0].n)), math.Log(float64(c.spots[len(c.spots)-1].n))
		return marginLeft + (panelWidth-marginLeft-marginRight)*(math.Log(float64(c.spots[i].n))-first)/(last-first)
	}
	y := func(v float64) float64 {
		if c.log {
			return panelHeight * (1 - math.Log(v/low*1.2)/math.Log(high/low*1.4))
		}
		return panelHeight * (1 - v/high/1.08)
	}
	fmt.Fprintf(b, `<text x="%d" y="4" font-weight="600" fill="#111827">%s</text>`+"\n", marginLeft, html.EscapeString(c.title))
	for _, v := range ticks(low, high, c.log) {
		fmt.Fprintf(b, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#e2e5ea"/><text x="%d" y="%.1f" text-anchor="end" fill="#4b5563">%g</text>`+"\n",
			marginLeft, panelWidth-marginRight, y(v), y(v), marginLeft-6, y(v)+4, v)
	}
	for i, at := range c.spots {
		fmt.Fprintf(b, `<text x="%.1f" y="%d" text-anchor="middle" fill="#4b5563" font-size="10">%s</text>`+"\n", x(i), panelHeight+16, at.name())
	}
	for _, name := range growing {
		var line []string
		for i := range c.spots {
			if g, ok := found[i][name]; ok {
				line = append(line, fmt.Sprintf("%.1f,%.1f", x(i), y(g.Cost)))
			}
		}
		fmt.Fprintf(b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="1.5"/>`+"\n", strings.Join(line, " "), colours[name])
		for i := range c.spots {
			if g, ok := found[i][name]; ok {
				mark(b, name, x(i), y(g.Cost))
			}
		}
	}
}

// ticks are round values between low, or zero, and high.
func ticks(low, high float64, log bool) (all []float64) {
	if log {
		for v := math.Pow(10, math.Floor(math.Log10(low))); v <= high; v *= 10 {
			for _, t := range []float64{v, 2 * v, 5 * v} {
				if t >= low && t <= high {
					all = append(all, t)
				}
			}
		}
		return all
	}
	step := math.Pow(10, math.Floor(math.Log10(high)))
	if high/step < 4 {
		step /= 2
	}
	for v := 0.0; v <= high; v += step {
		all = append(all, v)
	}
	return all
}
