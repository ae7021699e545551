//go:build !lockorder

package locks

import "sync"

// Mutex is a sync.Mutex, and RWMutex a sync.RWMutex.
type (
	Mutex[Rank any]   = sync.Mutex
	RWMutex[Rank any] = sync.RWMutex
)
