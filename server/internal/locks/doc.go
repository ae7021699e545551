// Package locks owns the order in which the program's mutexes are locked where one is locked while
// another is held: see the list in order.go. A mutex that is not in it is held for a moment, and
// nothing is locked meanwhile.
//
// In the normal build each is a mutex of package sync under another name, and costs nothing. With
// the build tag lockorder each knows its rank, and panics when it is locked by a goroutine that
// holds one of the same rank or of a later one, whether or not anybody waits for that just then.
package locks
