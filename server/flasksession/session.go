package flasksession

import (
	"maps"
	"slices"
)

// permanent is the key under which Flask keeps that a session is.
const permanent = "_permanent"

// Session is what an application knows of one browser: values by their keys. It belongs to one
// request, and is not for several goroutines. The zero Session is empty.
// Flask: session.
type Session struct {
	values   object // those that were read are *object, list and tuple, see natural
	accessed bool
	modified bool
}

// Get returns the value under a key, nil if there is none; package flasksession lists the types.
// Lists and maps are copies: what is changed in them has to be Set again.
// Flask: session.get(key).
func (s *Session) Get(key string) any {
	s.accessed = true
	return natural(s.values.values[key])
}

// Set keeps a value. It must not be changed before the session is saved.
// Flask: session[key] = value.
func (s *Session) Set(key string, value any) {
	s.accessed, s.modified = true, true
	s.values.set(key, value)
}

// Delete forgets a key. Flask: session.pop(key, None).
func (s *Session) Delete(key string) {
	s.accessed = true
	if _, there := s.values.values[key]; !there {
		return
	}
	s.modified = true
	delete(s.values.values, key)
	s.values.keys = slices.DeleteFunc(s.values.keys, func(k string) bool { return k == key })
}

// Clear forgets everything; when it is saved, the browser is told to drop the cookie.
// Flask: session.clear().
func (s *Session) Clear() {
	s.accessed = true
	s.modified = s.modified || len(s.values.keys) > 0
	s.values = object{}
}

// Keys lists the keys, in the order in which they were written. Flask: list(session).
func (s *Session) Keys() []string {
	s.accessed = true
	return slices.Clone(s.values.keys)
}

// Values returns a copy of everything. Flask: dict(session).
func (s *Session) Values() map[string]any {
	s.accessed = true
	all := maps.Clone(s.values.values)
	for key, value := range all {
		all[key] = natural(value)
	}
	return all
}

// Permanent reports whether the browser keeps the session when it is closed.
// Flask: session.permanent.
func (s *Session) Permanent() bool {
	is, _ := s.values.values[permanent].(bool)
	return is
}

// SetPermanent changes that. Flask: session.permanent = True.
func (s *Session) SetPermanent(is bool) { s.Set(permanent, is) }
