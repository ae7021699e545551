package admin

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hipflask/server/socketio/socketiotest"
)

// A UI forgets everything when it is told of all sockets: who comes and goes meanwhile
// is neither missing afterwards nor still there.
func TestClientsComeWhileAUIDoes(t *testing.T) {
	s := start(t, Options{})
	const clients = 20
	var all sync.WaitGroup
	uis := make([]*socketiotest.Client, 5)
	ids := make([]string, clients)
	for i := range clients {
		all.Go(func() {
			gone, _ := socketiotest.Dial(t, s, socketiotest.Options{})
			c, err := socketiotest.Dial(t, s, socketiotest.Options{})
			if err == nil {
				ids[i] = c.ID()
				gone.Drop()
			}
		})
	}
	for i := range uis {
		all.Go(func() {
			uis[i], _ = socketiotest.Dial(t, s, socketiotest.Options{
				Namespace: Namespace, Auth: map[string]any{"username": "root", "password": password},
			})
		})
	}
	all.Wait()
	slices.Sort(ids)
	for _, ui := range uis {
		there := make(map[string]bool)
		shown := func() bool {
			if len(there) != clients {
				return false
			}
			return slices.Equal(slices.Sorted(maps.Keys(there)), ids)
		}
		for !shown() {
			switch e := ui.Next(); e.Name {
			case "all_sockets":
				var list []client
				if err := e.Decode(&list); err != nil {
					t.Fatal(err)
				}
				clear(there)
				for _, c := range list {
					there[c.ID] = c.Namespace == "/"
				}
				maps.DeleteFunc(there, func(_ string, ours bool) bool { return !ours })
			case "socket_connected":
				if c := described(t, e); c.Namespace == "/" {
					there[c.ID] = true
				}
			case "socket_disconnected":
				var id string
				if err := e.Args[1].Decode(&id); err != nil {
					t.Fatal(err)
				}
				delete(there, id)
			}
		}
	}
}

// In development mode the UI is told what was counted since it was told last.
func TestCountsOfPacketsAndBytes(t *testing.T) {
	s := start(t, Options{Events: true, StatsInterval: time.Millisecond})
	ui := socketiotest.Connect(t, s, socketiotest.Options{
		Namespace: Namespace, Auth: map[string]any{"username": "root", "password": password},
	})
	for range 2 { // the first is of its connecting; with the second the counting begins
		ui.Receive("server_stats")
	}
	c := socketiotest.Connect(t, s, socketiotest.Options{})
	c.Call("say", strings.Repeat("x", 1000))
	c.Drop()
	got := make(map[string]int)
	done := func() bool {
		return got["rawConnection "] == 1 && got["rawDisconnection transport close"] == 1 &&
			got["packetsIn "] > 0 && got["packetsOut "] > 0 && got["bytesIn "] > 1000 && got["bytesOut "] > 1000
	}
	for begin := time.Now(); !done(); {
		if time.Since(begin) > 15*time.Second {
			t.Fatalf("counted are %v", got)
		}
		var stats struct {
			AggregatedEvents []struct {
				Timestamp     int64
				Type, SubType string
				Count         int
			}
		}
		if err := ui.Receive("server_stats").Decode(&stats); err != nil {
			t.Fatal(err)
		}
		for _, e := range stats.AggregatedEvents {
			if age := time.Since(time.UnixMilli(e.Timestamp)); e.Timestamp%1000 != 0 || age < 0 || age > time.Minute {
				t.Errorf("%+v", e)
			}
			got[e.Type+" "+e.SubType] += e.Count
		}
	}
}
