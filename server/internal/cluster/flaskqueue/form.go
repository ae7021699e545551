package flaskqueue

import (
	"hipflask/server/internal/packet"
	"hipflask/server/internal/packet/jsonval"
)

func malformed(reason string) *jsonval.Error { return &jsonval.Error{Reason: "flask queue: " + reason} }

// fields is a message as the names and values of its encoding.
type fields interface {
	get(name string) (node, bool)
	// args reads the field as arguments.
	args(name string, limits jsonval.Limits) ([]packet.Value, error)
}

// node is the value of a field other than the arguments.
type node interface {
	isNull() bool
	text() (string, bool) // a string, or an integer as its decimal
	uint() (uint64, bool)
	// list returns what a list or tuple of at most max holds, nil for anything
	// else.
	list(max int) []node
}
