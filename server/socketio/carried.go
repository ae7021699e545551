package socketio

import (
	"slices"
	"strconv"

	"hipflask/server/internal/fanout"
	"hipflask/server/internal/packet"
)

// What handlers keep for a client goes along to another server that it comes back to, with a
// cluster in which clients can. There it is what its JSON says: Set and SetData write that, so
// nobody reads the value later, while its owner may change it.

// carries reports whether clients can come back to other servers.
func (s *Server) carries() bool {
	_, sequence := s.opts.Peers.(fanout.Sequence)
	return sequence && s.opts.Recovery > 0
}

// changed is for a value of the connection, which is kept with each of its namespaces.
func (c *connection) changed() {
	c.mu.Lock()
	spaces := slices.Clone(c.spaces)
	c.mu.Unlock()
	for _, ctx := range spaces {
		ctx.member.Changed()
	}
}

// Carry is what other servers can read of the values.
func (r *remembered) Carry() fanout.Carried {
	// What is in these has been written before.
	data, _ := packet.NewValue(r.own.all())
	values, _ := packet.NewValue(r.connection.all())
	return fanout.Carried{Data: data, Values: values}
}

// rememberedOf is what was kept with a client, here or at another server; nil for nothing.
func rememberedOf(kept any) *remembered {
	switch kept := kept.(type) {
	case *remembered:
		return kept
	case fanout.Carried:
		return &remembered{connection: carriedValues(kept.Values), own: carriedValues(kept.Data), foreign: true}
	}
	return nil
}

// carriedValues are those of another server. What is no object has none.
func carriedValues(from packet.Value) *values {
	v := newValues()
	_ = from.Members(func(key string, value packet.Value) error {
		v.kept[key] = anyOf(value)
		v.showLocked(key, value)
		return nil
	})
	return v
}

// anyOf is a value as Go has it: a whole number is an int64, as in a page's session.
func anyOf(v packet.Value) any {
	if n, err := strconv.ParseInt(string(v.JSON), 10, 64); err == nil {
		return n
	}
	var value any
	if err := v.Decode(&value); err != nil {
		return nil
	}
	return value
}

// takeOver is merge, but what others have counts, where there is both.
func (v *values) takeOver(others *values) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.beginLocked()
	for key, value := range others.kept { // nobody else has them yet
		v.kept[key] = value
		v.showLocked(key, others.shown[key])
	}
}
