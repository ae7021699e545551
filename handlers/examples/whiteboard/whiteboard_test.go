package main

import (
	"errors"
	"testing"
	"time"

	"hipflask/server/hipflask/hipflasktest"
	"hipflask/server/socketio/socketiotest"
)

func TestStrokesThatAreRefused(t *testing.T) {
	good := func() Stroke { return Stroke{Color: 1, Width: 4, Points: []int{0, 0, boardWidth, boardHeight}} }
	if err := good().check(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		spoil func(*Stroke)
		want  error
	}{
		{func(s *Stroke) { s.Color = -1 }, errColor},
		{func(s *Stroke) { s.Color = colors }, errColor},
		{func(s *Stroke) { s.Width = 0 }, errWidth},
		{func(s *Stroke) { s.Width = maxWidth + 1 }, errWidth},
		{func(s *Stroke) { s.Points = nil }, errPoints},
		{func(s *Stroke) { s.Points = []int{1, 2, 3} }, errPoints},
		{func(s *Stroke) { s.Points = make([]int, 2*maxStrokePoints+2) }, errPoints},
		{func(s *Stroke) { s.Points[2]++ }, errOutside},
		{func(s *Stroke) { s.Points[1] = -1 }, errOutside},
	} {
		s := good()
		c.spoil(&s)
		if err := s.check(); !errors.Is(err, c.want) {
			t.Errorf("%+v: %v, want %v", s, err, c.want)
		}
	}
}

// Whatever is drawn, the picture stays within its bounds; the oldest strokes go.
func TestBoardIsBounded(t *testing.T) {
	for _, points := range []int{1, maxStrokePoints} {
		var b board
		for range 2 * maxStrokes {
			s := b.add(Stroke{Points: make([]int, 2*points)})
			kept := b.strokes
			if len(kept) > maxStrokes || len(kept)*points > maxPoints {
				t.Fatalf("%d strokes of %d points are kept", len(kept), points)
			}
			if kept[0].ID != s.First || kept[len(kept)-1].ID != s.ID {
				t.Fatalf("kept are %d to %d, clients are told %d to %d", kept[0].ID, kept[len(kept)-1].ID, s.First, s.ID)
			}
		}
		b.clear()
		if len(b.picture()) != 0 {
			t.Error("something is left after a clear")
		}
	}
}

func TestDrawing(t *testing.T) {
	app := hipflasktest.New(t, Register)
	first := socketiotest.Connect(t, app.SocketIO, socketiotest.Options{})
	if got := first.Receive("picture").String(); got != `picture [{"you":1,"strokes":[]}]` {
		t.Fatalf("received %s", got)
	}
	second := socketiotest.Connect(t, app.SocketIO, socketiotest.Options{})
	second.Receive("picture")

	first.Emit("stroke", map[string]any{"color": 9, "width": 4, "points": []int{1, 2}}) // refused
	first.Emit("stroke", map[string]any{"by": 2, "id": 7, "color": 1, "width": 4, "points": []int{1, 2, 3, 4}})
	const stroke = `{"by":1,"id":1,"first":1,"color":1,"width":4,"points":[1,2,3,4]}`
	for _, c := range []*socketiotest.Client{first, second} {
		if got := c.Receive("stroke").String(); got != "stroke ["+stroke+"]" {
			t.Errorf("received %s", got)
		}
	}
	third := socketiotest.Connect(t, app.SocketIO, socketiotest.Options{})
	if got := third.Receive("picture").String(); got != `picture [{"you":3,"strokes":[{"by":1,"id":1,"first":0,"color":1,"width":4,"points":[1,2,3,4]}]}]` {
		t.Errorf("who came later received %s", got)
	}

	first.Emit("cursor", -1, 0) // refused
	if got := cursor(t, first, second); got != "cursor [1,10,20]" {
		t.Errorf("received %s", got)
	}
	third.Emit("clear")
	if got := second.Receive("cleared").String(); got != "cleared [3]" {
		t.Errorf("received %s", got)
	}
	first.Disconnect()
	if got := second.Receive("left").String(); got != "left [1]" {
		t.Errorf("received %s", got)
	}
}

// cursor moves one client's cursor until the other one sees it: cursors are volatile, so
// one that moves while the other is between two polls is left out.
func cursor(t *testing.T, from, to *socketiotest.Client) string {
	t.Helper()
	for end := time.Now().Add(socketiotest.DefaultTimeout); time.Now().Before(end); {
		from.Call("cursor", 10, 20)
		for _, e := range to.Received() {
			if e.Name == "cursor" {
				return e.String()
			}
		}
	}
	t.Fatal("no cursor was seen")
	return ""
}
