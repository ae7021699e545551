//go:build linux

package main

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// What the chart looks like, in pixels.
const (
	chartWidth = 860
	labelRight = 306
	plotLeft   = 370
	plotRight  = chartWidth - 30
	chartTop   = 78
	lineHeight = 26
)

var colours = map[string]string{ours: "#0b6bcb", bun: "#b0269a", node: "#3c873a", flask: "#c8500a", uvicorn: "#8a6d00", ceiling: "#6b7280"}

// chartLine is one row of the chart.
type chartLine struct {
	label  string
	points []point
	goal   float64 // 0 for none
}

// point is one server in one row, as a ratio to Node.
type point struct {
	server string
	ratio  float64
}

// axis is logarithmic, because ratios are.
type axis struct{ low, high float64 }

func (a axis) x(v float64) float64 {
	return plotLeft + (plotRight-plotLeft)*math.Log(v/a.low)/math.Log(a.high/a.low)
}

// chart draws how much each server needs where Node needs 1, one line a row.
func (r *result) chart() string {
	var lines []chartLine
	a := axis{0.5, 2}
	for _, row := range r.rows {
		l := r.chartLine(row)
		for _, p := range l.points {
			a.low, a.high = min(a.low, p.ratio), max(a.high, p.ratio)
		}
		if l.goal > 0 {
			a.low = min(a.low, l.goal)
		}
		lines = append(lines, l)
	}
	a.low, a.high = a.low/1.25, a.high*1.25
	bottom := chartTop + lineHeight*len(lines)
	var b strings.Builder
	chartHead(&b, bottom+56)
	a.grid(&b, bottom)
	for i, l := range lines {
		l.draw(&b, a, float64(chartTop+lineHeight*i+lineHeight/2))
	}
	m := r.Machine
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end" fill="#6b7280" font-size="11">%s</text>`+"\n</svg>\n", plotRight, bottom+42,
		html.EscapeString(fmt.Sprintf("%s, %d CPUs; %s; socket.io %s on Node.js %s and Bun %s; Hipflask %s", m.CPU, m.Cores, m.Go, m.SocketIO, m.Node, m.Bun, m.Commit)))
	return b.String()
}

// chartLine finds a row's points. All are drawn so that less is better: a rate as the time that one
// takes.
func (r *result) chartLine(row row) chartLine {
	metric, invert := row.metrics[0], false
	label := row.name + ": " + metric
	switch {
	case strings.HasPrefix(row.name, "opening"):
		metric, invert, label = rate, true, row.name+": time"
	case metric == p50:
		metric, label = p99, row.name+": p99"
	case metric == kib:
		label = row.name + ": memory"
	}
	l := chartLine{label: label}
	for _, server := range []string{flask, uvicorn, ceiling, bun, ours} {
		ratios := r.ratios(server, row.name, metric, node)
		if len(ratios) == 0 {
			continue
		}
		v := median(ratios)
		if invert {
			v = 1 / v
		}
		l.points = append(l.points, point{server, v})
	}
	for _, t := range row.targets {
		if t.metric == metric && t.against == node {
			if l.goal = t.most; invert {
				l.goal = 1 / t.least
			}
		}
	}
	return l
}

func (l chartLine) draw(b *strings.Builder, a axis, y float64) {
	fmt.Fprintf(b, `<text x="%d" y="%.1f" text-anchor="end" fill="#111827">%s</text>`+"\n", labelRight, y+4, html.EscapeString(l.label))
	if l.goal > 0 {
		fmt.Fprintf(b, `<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="%s" stroke-width="2"/>`+"\n",
			a.x(l.goal), a.x(l.goal), y-8, y+8, colours[ours])
	}
	for _, p := range l.points {
		mark(b, p.server, a.x(p.ratio), y)
		if p.server == ours {
			fmt.Fprintf(b, `<text x="%d" y="%.1f" text-anchor="end" fill="%s">%s</text>`+"\n", labelRight+44, y+4, colours[ours], number(p.ratio))
		}
	}
}

// grid draws the axis.
func (a axis) grid(b *strings.Builder, bottom int) {
	for _, v := range []float64{0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100} {
		if v < a.low || v > a.high {
			continue
		}
		colour, width := "#e2e5ea", 1
		if v == 1 {
			colour, width = colours[node], 2
		}
		fmt.Fprintf(b, `<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="%s" stroke-width="%d"/>`+"\n", a.x(v), a.x(v), chartTop-6, bottom, colour, width)
		fmt.Fprintf(b, `<text x="%.1f" y="%d" text-anchor="middle" fill="#4b5563">%g</text>`+"\n", a.x(v), bottom+18, v)
	}
}

// mark draws a server's point.
func mark(b *strings.Builder, server string, x, y float64) {
	switch server {
	case ceiling:
		fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="5" fill="#fff" stroke="%s" stroke-width="2"/>`+"\n", x, y, colours[server])
	case flask:
		fmt.Fprintf(b, `<rect x="%.1f" y="%.1f" width="9" height="9" fill="%s"/>`+"\n", x-4.5, y-4.5, colours[server])
	case uvicorn:
		fmt.Fprintf(b, `<rect x="%.1f" y="%.1f" width="8" height="8" fill="#fff" stroke="%s" stroke-width="2"/>`+"\n", x-4, y-4, colours[server])
	case bun:
		fmt.Fprintf(b, `<path d="M%.1f %.1fl6 6l-6 6l-6 -6z" fill="%s"/>`+"\n", x, y-6, colours[server])
	default:
		fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="5.5" fill="%s"/>`+"\n", x, y, colours[server])
	}
}

// chartHead writes the beginning: the title and what the marks mean.
func chartHead(b *strings.Builder, height int) {
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="system-ui, sans-serif" font-size="12">`+"\n",
		chartWidth, height, chartWidth, height)
	b.WriteString(`<rect width="100%" height="100%" fill="#fff"/>
<text x="20" y="26" font-size="16" font-weight="600" fill="#111827">What the same work costs, socket.io on Node.js = 1</text>
<text x="20" y="47" fill="#4b5563">Medians; less is better; logarithmic.</text>
`)
	at := 300.0
	for _, e := range []struct{ server, text string }{
		{ours, "Hipflask"}, {bun, "Bun"}, {ceiling, "bare Go"}, {flask, "Flask, eventlet"}, {uvicorn, "ASGI, uvicorn"},
	} {
		mark(b, e.server, at, 43)
		fmt.Fprintf(b, `<text x="%.1f" y="47" fill="#111827">%s</text>`+"\n", at+11, e.text)
		at += 34 + 6.5*float64(len(e.text))
	}
	fmt.Fprintf(b, `<line x1="%.1f" x2="%.1f" y1="35" y2="51" stroke="%s" stroke-width="2"/><text x="%.1f" y="47" fill="#111827">goal</text>`+"\n",
		at, at, colours[ours], at+9)
}
