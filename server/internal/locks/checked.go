//go:build lockorder

package locks

import (
	"bytes"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"sync"
)

// Mutex is a sync.Mutex that panics when something of its rank, or of one below, is held by who
// locks it.
type Mutex[Rank any] struct{ mu sync.Mutex }

// Lock locks it.
func (m *Mutex[Rank]) Lock() {
	enter(rankOf[Rank]())
	m.mu.Lock()
}

// Unlock unlocks it.
func (m *Mutex[Rank]) Unlock() {
	m.mu.Unlock()
	leave(rankOf[Rank]())
}

// RWMutex is a sync.RWMutex that panics likewise, also when it is locked for reading: a reader
// waits for a writer that waits.
type RWMutex[Rank any] struct{ mu sync.RWMutex }

// Lock locks it.
func (m *RWMutex[Rank]) Lock() {
	enter(rankOf[Rank]())
	m.mu.Lock()
}

// Unlock unlocks it.
func (m *RWMutex[Rank]) Unlock() {
	m.mu.Unlock()
	leave(rankOf[Rank]())
}

// RLock locks it for reading.
func (m *RWMutex[Rank]) RLock() {
	enter(rankOf[Rank]())
	m.mu.RLock()
}

// RUnlock ends that.
func (m *RWMutex[Rank]) RUnlock() {
	m.mu.RUnlock()
	leave(rankOf[Rank]())
}

func rankOf[Rank any]() int { return reflect.TypeFor[Rank]().Len() }

// held is which ranks each goroutine holds. It is a variable of the package because a mutex has
// nothing but itself; it is not part of the normal build.
var held struct {
	mu sync.Mutex
	by map[string][]int
}

// enter notes that the goroutine is about to lock something of a rank.
func enter(rank int) {
	who := goroutine()
	held.mu.Lock()
	defer held.mu.Unlock()
	if held.by == nil {
		held.by = make(map[string][]int)
	}
	if has := held.by[who]; len(has) > 0 && slices.Max(has) >= rank {
		panic(fmt.Sprintf("locks: rank %d is locked while %v are held", rank, has))
	}
	held.by[who] = append(held.by[who], rank)
}

// leave notes that it is no longer held.
func leave(rank int) {
	who := goroutine()
	held.mu.Lock()
	defer held.mu.Unlock()
	has := held.by[who]
	i := slices.Index(has, rank)
	if i < 0 {
		panic("locks: rank " + strconv.Itoa(rank) + " is unlocked by a goroutine that does not hold it")
	}
	if has = slices.Delete(has, i, i+1); len(has) > 0 {
		held.by[who] = has
	} else {
		delete(held.by, who)
	}
}

// goroutine names the goroutine that calls it, as stack traces do.
func goroutine() string {
	var line [64]byte
	fields := bytes.Fields(line[:runtime.Stack(line[:], false)]) // "goroutine 7 [running]:"
	return string(fields[1])
}
