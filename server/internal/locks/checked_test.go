//go:build lockorder

package locks

import (
	"sync"
	"testing"
)

// panics reports whether f panics.
func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return false
}

func TestOrder(t *testing.T) {
	var registry Registry
	var session, other Session
	var lag Lag
	for name, c := range map[string]struct {
		locks []func() func() // each locks, and returns what unlocks
		wrong bool
	}{
		"in order":        {[]func() func(){read(&registry), lock(&session), lock(&lag)}, false},
		"against it":      {[]func() func(){lock(&session), lock(&registry)}, true},
		"to read":         {[]func() func(){lock(&session), read(&registry)}, true},
		"two of one rank": {[]func() func(){lock(&session), lock(&other)}, true},
		"again":           {[]func() func(){read(&registry), read(&registry)}, true},
	} {
		t.Run(name, func(t *testing.T) {
			var unlock []func()
			got := panics(func() {
				for _, l := range c.locks {
					unlock = append(unlock, l())
				}
			})
			for _, u := range unlock {
				u()
			}
			if got != c.wrong {
				t.Errorf("it panics: %v, want %v", got, c.wrong)
			}
		})
	}
}

func lock(l sync.Locker) func() func() {
	return func() func() { l.Lock(); return l.Unlock }
}

func read(l *Registry) func() func() {
	return func() func() { l.RLock(); return l.RUnlock }
}

// What one goroutine holds is nothing to another, which cannot unlock it either.
func TestOrderIsOfOneGoroutine(t *testing.T) {
	var session Session
	var registry Registry
	session.Lock()
	defer session.Unlock()
	done := make(chan bool)
	go func() { done <- panics(func() { registry.Lock(); registry.Unlock() }) }()
	if <-done {
		t.Error("another goroutine must not lock")
	}
	go func() {
		defer func() { done <- recover() != nil }()
		leave(rankOf[[13]rank]())
	}()
	if !<-done {
		t.Error("another goroutine unlocks")
	}
}
