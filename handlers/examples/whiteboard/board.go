package main

import (
	"errors"
	"fmt"
)

const (
	boardWidth, boardHeight = 1600, 1000

	colors          = 6   // that the page has; a client names one by its index
	maxWidth        = 24  // of a line, in units
	maxStrokePoints = 256 // of one stroke; the page sends a long line in pieces

	// What is kept for who comes later: 40,000 points are 320 KB as JSON at most.
	maxStrokes = 5000
	maxPoints  = 40_000
)

// Stroke is a line, or a piece of one. What a client sends has its color, width and
// points; the rest is the server's.
type Stroke struct {
	By     int   `json:"by"`
	ID     int   `json:"id"`    // one more than the last one's
	First  int   `json:"first"` // the oldest one that is still on the board
	Color  int   `json:"color"`
	Width  int   `json:"width"`
	Points []int `json:"points"` // x, y, x, y, ...
}

var (
	errColor   = errors.New("no such color")
	errWidth   = fmt.Errorf("a line is 1 to %d wide", maxWidth)
	errPoints  = fmt.Errorf("a stroke has 1 to %d points, two numbers each", maxStrokePoints)
	errOutside = errors.New("that is not on the board")
)

// check finds what the page never sends.
func (s Stroke) check() error {
	switch n := len(s.Points); {
	case s.Color < 0 || s.Color >= colors:
		return errColor
	case s.Width < 1 || s.Width > maxWidth:
		return errWidth
	case n == 0 || n%2 != 0 || n > 2*maxStrokePoints:
		return errPoints
	}
	for i := 0; i < len(s.Points); i += 2 {
		if !onBoard(s.Points[i], s.Points[i+1]) {
			return errOutside
		}
	}
	return nil
}

func onBoard(x, y int) bool {
	return x >= 0 && x <= boardWidth && y >= 0 && y <= boardHeight
}

// board is the picture so far. When it is full, the oldest strokes go.
type board struct {
	strokes []Stroke
	points  int // of all strokes
	last    int // id
}

// add returns the stroke as clients are told of it.
func (b *board) add(s Stroke) Stroke {
	b.last++
	s.ID = b.last
	b.strokes = append(b.strokes, s)
	b.points += len(s.Points) / 2
	for len(b.strokes) > maxStrokes || b.points > maxPoints {
		b.points -= len(b.strokes[0].Points) / 2
		b.strokes[0] = Stroke{} // its points are not held by the array any more
		b.strokes = b.strokes[1:]
	}
	s.First = b.strokes[0].ID
	return s
}

func (b *board) clear() { b.strokes, b.points = nil, 0 }

// picture returns the strokes, the oldest first; no list is shared with the board.
func (b *board) picture() []Stroke { return append([]Stroke{}, b.strokes...) }
