package socketio

import (
	"maps"
	"reflect"

	"hipflask/server/internal/locks"

	"hipflask/server/internal/packet"
)

// values are what handlers keep for a client. With recovery they outlive its connection, so they
// have a lock of their own.
type values struct {
	mu    locks.Values
	begin func() map[string]any // what they begin with; nil for nothing, and once that was taken over
	kept  map[string]any
	shown map[string]packet.Value // of what is kept, see SetData; nil for none
}

func newValues() *values { return &values{kept: make(map[string]any)} }

func (v *values) set(key string, value any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.beginLocked()
	v.kept[key] = value
}

func (v *values) get(key string) any {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.beginLocked()
	return v.kept[key]
}

// show is set for a value that others are shown as it is now.
func (v *values) show(key string, value any) {
	shown, err := packet.NewValue(value)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.beginLocked()
	v.kept[key] = value
	if err != nil {
		delete(v.shown, key)
		return
	}
	v.showLocked(key, shown)
}

func (v *values) showLocked(key string, shown packet.Value) {
	if v.shown == nil {
		v.shown = make(map[string]packet.Value)
	}
	v.shown[key] = shown
}

// all is what is shown. nil are no values.
func (v *values) all() map[string]packet.Value {
	if v == nil {
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return maps.Clone(v.shown)
}

// beginNow takes over what the values begin with, before somebody asks.
func (v *values) beginNow() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.beginLocked()
}

func (v *values) beginLocked() {
	if v.begin != nil {
		maps.Copy(v.kept, v.begin())
		v.begin = nil
	}
}

// merge takes over those of others that it does not have itself.
func (v *values) merge(others *values) {
	if v == others {
		return
	}
	others.mu.Lock()
	old, shown := maps.Clone(others.kept), maps.Clone(others.shown)
	others.mu.Unlock()
	v.mu.Lock()
	defer v.mu.Unlock()
	for key, value := range old {
		if _, there := v.kept[key]; there {
			continue
		}
		v.kept[key] = value
		if value, is := shown[key]; is {
			v.showLocked(key, value)
		}
	}
}

// remembered are the values that recovery keeps for a client that was cut off: its connection's,
// and those of one namespace.
type remembered struct {
	connection, own *values
	foreign         bool // they come from another server
}

// As returns a value as a T, if it is one, or a whole number that a T can hold: what a page's
// session has is int64. So
//
//	visits, _ := socketio.As[int](c.Get("visits"))
//
// is 0 where nothing was kept. Flask: session.get('visits', 0).
func As[T any](value any) (as T, ok bool) {
	if as, ok = value.(T); ok {
		return as, true
	}
	from, to := reflect.ValueOf(value), reflect.ValueOf(&as).Elem()
	switch {
	case !from.IsValid():
	case from.CanInt() && to.CanInt() && !to.OverflowInt(from.Int()):
		to.SetInt(from.Int())
		return as, true
	case from.CanUint() && to.CanUint() && !to.OverflowUint(from.Uint()):
		to.SetUint(from.Uint())
		return as, true
	case from.CanInt() && to.CanUint() && from.Int() >= 0 && !to.OverflowUint(uint64(from.Int())):
		to.SetUint(uint64(from.Int()))
		return as, true
	}
	return as, false
}
