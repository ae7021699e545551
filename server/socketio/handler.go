package socketio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
)

var errNotFunc = errors.New("is not a function")

// newHandler makes fn callable. The common forms are called directly; reflection serves the rest.
func newHandler(event string, fn any) (*handler, error) {
	h := &handler{event: event}
	if v := reflect.ValueOf(fn); v.Kind() != reflect.Func || v.IsNil() {
		return nil, errNotFunc
	}
	switch fn := fn.(type) {
	case func(Value):
		h.call = func(_ *Context, args []Value) ([]any, error) {
			if err := h.expect(len(args), 1); err != nil {
				return nil, err
			}
			fn(args[0])
			return nil, nil
		}
	case func(*Context, Value):
		h.call = func(c *Context, args []Value) ([]any, error) {
			if err := h.expect(len(args), 1); err != nil {
				return nil, err
			}
			fn(c, args[0])
			return nil, nil
		}
	default:
		call, err := reflected(event, reflect.ValueOf(fn))
		if err != nil {
			return nil, err
		}
		h.call = call
	}
	return h, nil
}

// isLifecycle reports whether the server, not the client, makes the event happen.
func isLifecycle(event string) bool { return event == "connect" || event == "disconnect" }

func (h *handler) expect(got, want int) error {
	if got != want {
		return &argumentError{event: h.event, got: got, want: fmt.Sprint(want)}
	}
	return nil
}

// argumentError is an event that does not fit its handler: Python's TypeError.
type argumentError struct {
	event string
	got   int
	want  string
}

func (e *argumentError) Error() string {
	return fmt.Sprintf("event %q came with %d arguments, its handler takes %s", e.event, e.got, e.want)
}

// signature is what reflection finds out about a handler, once.
type signature struct {
	event    string
	fn       reflect.Value
	context  bool           // the first parameter is the *Context
	params   []reflect.Type // of the arguments; the element type for the variadic one
	variadic bool
	fails    bool // the last result is an error
}

func reflected(event string, fn reflect.Value) (func(*Context, []Value) ([]any, error), error) {
	t := fn.Type()
	s := &signature{event: event, fn: fn, variadic: t.IsVariadic()}
	for i := range t.NumIn() {
		in := t.In(i)
		if i == 0 && in == reflect.TypeFor[*Context]() {
			s.context = true
			continue
		}
		if s.variadic && i == t.NumIn()-1 {
			in = in.Elem()
		}
		if err := decodable(in); err != nil {
			return nil, fmt.Errorf("has a parameter %d that %w", i+1, err)
		}
		s.params = append(s.params, in)
	}
	s.fails = t.NumOut() > 0 && t.Out(t.NumOut()-1) == reflect.TypeFor[error]()
	if isLifecycle(event) && len(s.params) > 1 {
		return nil, fmt.Errorf("takes %d arguments; there is one at most", len(s.params))
	}
	return s.call, nil
}

// decodable says why no argument of an event could ever be of the type.
func decodable(t reflect.Type) error {
	switch {
	case t == reflect.TypeFor[*Context]() || t == reflect.TypeFor[Context]():
		return errors.New("is the *Context, which has to come first")
	case t == reflect.TypeFor[context.Context]():
		return errors.New("is a context.Context; use the method Context of the *Context")
	case reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()):
		return nil
	case t.Kind() == reflect.Chan || t.Kind() == reflect.Func || t.Kind() == reflect.Interface && t.NumMethod() > 0:
		return fmt.Errorf("is a %v, which nothing can be decoded into", t)
	}
	return nil
}

func (s *signature) call(c *Context, args []Value) ([]any, error) {
	// connect offers the auth payload and disconnect the reason to those who want them.
	if isLifecycle(s.event) {
		args = args[:min(len(args), len(s.params))]
	}
	in, err := s.arguments(c, args)
	if err != nil {
		return nil, err
	}
	out := s.fn.Call(in)
	if s.fails {
		last := out[len(out)-1]
		out = out[:len(out)-1]
		if err, _ := last.Interface().(error); err != nil {
			return nil, err
		}
	}
	reply := make([]any, len(out))
	for i, v := range out {
		reply[i] = v.Interface()
	}
	return reply, nil
}

func (s *signature) arguments(c *Context, args []Value) ([]reflect.Value, error) {
	fixed := len(s.params)
	if s.variadic {
		fixed--
	}
	if len(args) < fixed || len(args) > fixed && !s.variadic {
		want := fmt.Sprint(fixed)
		if s.variadic {
			want = "at least " + want
		}
		return nil, &argumentError{event: s.event, got: len(args), want: want}
	}
	var in []reflect.Value
	if s.context {
		in = append(in, reflect.ValueOf(c))
	}
	for i, arg := range args {
		t := s.params[min(i, len(s.params)-1)]
		if t == reflect.TypeFor[Value]() {
			in = append(in, reflect.ValueOf(arg))
			continue
		}
		if t == reflect.TypeFor[[]byte]() {
			if _, binary := arg.Bytes(); !binary && !arg.IsNull() {
				return nil, fmt.Errorf("event %q, argument %d: not binary", s.event, i+1)
			}
		}
		v := reflect.New(t)
		if err := arg.Decode(v.Interface()); err != nil {
			return nil, fmt.Errorf("event %q, argument %d: %w", s.event, i+1, err)
		}
		in = append(in, v.Elem())
	}
	return in, nil
}
